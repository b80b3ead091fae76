"""What keeps a fleet from starting or ending, in words an operator can act on."""


class FleetError(Exception):
    """The fleet cannot do what was asked."""


class StopAsked(Exception):  # noqa: N818 - no error: somebody wants the fleet to end
    """A signal asked the fleet to end."""
