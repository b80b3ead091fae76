"""What can go wrong with groups of volumes, with the texts and codes of the contract (00 section 6, 06 part 4)."""

from storage_site.errors import Conflict, InvalidRequest, NotFound, OverLimit, StateConflict


class GroupTypeExists(Conflict):
    """A group type of this name exists."""

    code = "group-type-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"Group Type {name} already exists.")


class GroupTypeInUse(InvalidRequest):
    """Target group type is still in use."""

    code = "group-type-in-use"


class GroupTypeNotFound(NotFound):
    """There is no such group type in the caller's sight."""

    code = "group-type-not-found"

    def __init__(self, name_or_id: object) -> None:
        super().__init__(f"Group type {name_or_id} could not be found.")


class GroupNotFound(NotFound):
    """There is no such group in the caller's sight."""

    code = "group-not-found"

    def __init__(self, group_id: object, kind: str = "Group") -> None:
        super().__init__(f"{kind} {group_id} could not be found.")


class GroupSnapshotNotFound(NotFound):
    """There is no such snapshot of a group in the caller's sight."""

    code = "group-snapshot-not-found"

    def __init__(self, group_snapshot_id: object, kind: str = "GroupSnapshot") -> None:
        super().__init__(f"{kind} {group_snapshot_id} could not be found.")


class InvalidGroup(StateConflict):
    """The group's state does not admit this."""

    code = "invalid-group"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Group: {reason}")


class InvalidGroupSnapshot(StateConflict):
    """The state of the group's snapshot does not admit this."""

    code = "invalid-group-snapshot"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid GroupSnapshot: {reason}")


class GroupLimitExceeded(OverLimit):
    """The project has as many groups as it may."""

    code = "group-limit"

    def __init__(self, limit: int) -> None:
        super().__init__(f"GroupLimitExceeded: Maximum number of groups allowed ({limit}) exceeded for quota 'groups'.")
