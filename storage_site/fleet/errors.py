"""What keeps a fleet from starting or ending, in words an operator can act on."""


class FleetError(Exception):
    """The fleet cannot do what was asked."""


class StopAsked(Exception):
    """A signal asked the fleet to end."""
