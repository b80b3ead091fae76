"""Finding groups, and what belongs to them, by what a request names, as far as its caller may see it."""

from collections.abc import Mapping
from typing import Any

from storage_site.api.fields import UUID_FORM
from storage_site.caller import Caller
from volumes.errors import InvalidInput, InvalidVolume
from volumes.groups.errors import GroupNotFound, GroupSnapshotNotFound, GroupTypeNotFound
from volumes.models import Group, GroupSnapshot, GroupType, Volume
from volumes.models.group_types import RESERVED_ID


def group_type_of(caller: Caller, name_or_id: str) -> GroupType:
    """Return a group type by id, else by name. :raises GroupTypeNotFound: if there is none that the caller may use."""
    visible = GroupType.objects.visible_to(caller)
    found = visible.filter(pk=name_or_id.lower()).first() if UUID_FORM.fullmatch(name_or_id) else None
    found = found or visible.filter(name=name_or_id).first()
    if found is None:
        raise GroupTypeNotFound(name_or_id)
    return found


def group_of(caller: Caller, group_id: str) -> Group:
    """Return a group. :raises GroupNotFound: if there is none that the caller may see."""
    found = _by_id(Group.objects.visible_to(caller), group_id)
    if found is None:
        raise GroupNotFound(group_id)
    return found


def consistency_group_of(caller: Caller, group_id: str) -> Group:
    """Return a consistency group. :raises GroupNotFound: if there is none that the caller may see."""
    found = _by_id(Group.objects.visible_to(caller).filter(group_type=RESERVED_ID), group_id)
    if found is None:
        raise GroupNotFound(group_id, "ConsistencyGroup")
    return found


def group_snapshot_of(caller: Caller, group_snapshot_id: str) -> GroupSnapshot:
    """Return a snapshot of a group. :raises GroupSnapshotNotFound: if there is none that the caller may see."""
    found = _by_id(GroupSnapshot.objects.visible_to(caller), group_snapshot_id)
    if found is None:
        raise GroupSnapshotNotFound(group_snapshot_id)
    return found


def consistency_snapshot_of(caller: Caller, group_snapshot_id: str) -> GroupSnapshot:
    """Return a snapshot of a consistency group. :raises GroupSnapshotNotFound: if there is none to be seen."""
    rows = GroupSnapshot.objects.visible_to(caller).filter(group__group_type=RESERVED_ID)
    found = _by_id(rows, group_snapshot_id)
    if found is None:
        raise GroupSnapshotNotFound(group_snapshot_id, "CgSnapshot")
    return found


def membership_of(caller: Caller, values: Mapping[str, Any]) -> Group | None:
    """Return the group that the volume which a request asks for is to belong to, None for none.

    :raises GroupNotFound: if there is no such group. :raises InvalidInput: if it names two.
    """
    group_id, consistency_group_id = values.get("group_id"), values.get("consistencygroup_id")
    if group_id is not None and consistency_group_id is not None:
        raise InvalidInput("May specify only one of group_id, consistencygroup_id")
    if group_id is not None:
        return group_of(caller, group_id)
    return consistency_group_of(caller, consistency_group_id) if consistency_group_id is not None else None


def volumes_named(caller: Caller, listed: str | None) -> list[Volume]:
    """Return the volumes whose ids stand in `listed`, with commas between them.

    :raises InvalidVolume: naming the first that the caller does not see.
    """
    ids = [word.strip().lower() for word in (listed or "").split(",") if word.strip()]
    known = [word for word in ids if UUID_FORM.fullmatch(word)]
    found = {str(volume.pk): volume for volume in Volume.objects.visible_to(caller).filter(pk__in=known)}
    for word in ids:
        if word not in found:
            raise InvalidVolume(f"Volume {word} could not be found.")
    return list(found.values())


def changes_named(caller: Caller, values: dict[str, Any]) -> dict[str, list[Volume]]:
    """Take out of `values` which volumes are to come into a group or out of it, and return those. Raises likewise."""
    return {name: volumes_named(caller, values.pop(name, None)) for name in ("add_volumes", "remove_volumes")}


def _by_id(rows: Any, identity: str) -> Any:
    return rows.filter(pk=identity.lower()).first() if UUID_FORM.fullmatch(identity) else None
