"""What can go wrong with groups of volumes, with the texts and codes of the contract (00 section 6, 06 part 4)."""

from storage_site.errors import Conflict, InvalidRequest


class GroupTypeExists(Conflict):
    """A group type of this name exists."""

    code = "group-type-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"Group Type {name} already exists.")


class GroupTypeInUse(InvalidRequest):
    """Target group type is still in use."""

    code = "group-type-in-use"
