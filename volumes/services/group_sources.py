"""Making a group from a snapshot of one, or from another one (contract 06, section 6)."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations.admission import begin, lock, move
from volumes import quotas
from volumes.errors import InvalidVolume
from volumes.groups import quotas as group_quotas
from volumes.groups.errors import InvalidGroup, InvalidGroupSnapshot
from volumes.groups.memberships import members_of
from volumes.models import Group, GroupSnapshot, Volume
from volumes.moving import require_at_rest


@transaction.atomic
def create_group_from_snapshot(
    *, caller: Caller, group_snapshot: GroupSnapshot, name: str | None = None, description: str | None = None
) -> Group:
    """Accept a group with a volume from each part of the snapshot.

    :raises InvalidGroupSnapshot: if it is not available, or a part of it. :raises OverLimit: if a quota forbids it.
    """
    group_snapshot = lock(group_snapshot)
    if group_snapshot.status != "available":
        text = f"GroupSnapshot {group_snapshot.pk} must be available, but its status is {group_snapshot.status}."
        raise InvalidGroupSnapshot(text)
    originals = []
    for found in group_snapshot.snapshots.order_by("volume_id", "pk"):
        snapshot = lock(found)
        if snapshot.status != "available":
            raise InvalidGroupSnapshot(f"Its snapshot {snapshot.pk} must be available, but is {snapshot.status}.")
        originals.append((snapshot.volume, snapshot.size_gib, {"snapshot_id": snapshot.pk}))
    origin = {"group_snapshot_id": group_snapshot.pk}
    return _create(caller, group_snapshot.group, originals, name=name, description=description, **origin)


@transaction.atomic
def create_group_from_group(
    *, caller: Caller, source: Group, name: str | None = None, description: str | None = None
) -> Group:
    """Accept a group with a copy of each volume of `source`.

    :raises InvalidGroup: if that is not available, or empty. :raises InvalidVolume: if a volume's status does not
        admit it. :raises OverLimit: if a quota does not allow it.
    """
    source = lock(source)
    if source.status != "available":
        raise InvalidGroup(f"Group {source.pk} must be available, but its status is {source.status}.")
    originals: list[tuple[Volume, int, dict[str, Any]]] = []
    for volume in members_of(source):
        require_at_rest(volume)
        if volume.status not in {"available", "in-use"} or not volume.backend:
            raise InvalidVolume(f"Volume {volume.pk} must be available or in-use to be cloned, but is {volume.status}.")
        originals.append((volume, volume.size_gib, {"source_volume_id": volume.pk}))
    if not originals:
        raise InvalidGroup(f"Group {source.pk} is empty, so there is nothing to make a group from.")
    return _create(caller, source, originals, name=name, description=description, source_group_id=source.pk)


def _create(
    caller: Caller, source: Group, originals: Iterable[tuple[Volume, int, dict[str, Any]]], **fields: Any
) -> Group:
    """Insert the group, and for each of `originals` a volume of that size from what its fields name."""
    group_quotas.admit_group(project_id=caller.project_id)
    group = Group(
        project_id=caller.project_id,
        user_id=caller.user_id,
        group_type=source.group_type,
        availability_zone=source.availability_zone,
        **fields,
    )
    begin(group, "create_from_source", caller=caller, arguments={"pinned": {"backend": source.backend}})
    group.volume_types.set(source.volume_types.all())
    for original, size_gib, origin in originals:
        quotas.admit_volume(project_id=caller.project_id, size_gib=size_gib, volume_type=original.volume_type)
        volume = Volume(
            project_id=caller.project_id,
            user_id=caller.user_id,
            name=original.name,
            description=original.description,
            size_gib=size_gib,
            volume_type=original.volume_type,
            group=group,
            availability_zone=original.availability_zone,
            backend=original.backend,
            pool=original.pool,
            is_multiattach=original.is_multiattach,
            is_bootable=original.is_bootable,
            image_metadata=original.image_metadata,
            **origin,
        )
        move(volume, "begin_in_group", caller=caller)
    return group
