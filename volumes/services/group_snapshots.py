"""What may be asked about a snapshot of a group (contract 06, section 7)."""

from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move
from volumes import quotas
from volumes.groups.errors import InvalidGroup, InvalidGroupSnapshot
from volumes.groups.memberships import members_of
from volumes.models import Group, GroupSnapshot, Snapshot
from volumes.services.snapshots import require_snapshotable
from volumes.sources import is_source_of_unmade


@transaction.atomic
def create_group_snapshot(
    *, caller: Caller, group: Group, name: str | None = None, description: str | None = None
) -> GroupSnapshot:
    """Accept that what all volumes of the group hold is to be kept, of volumes in use as well.

    :raises InvalidGroup: if the group is not available, or empty. :raises InvalidVolume: if a volume's status does not
        admit it. :raises OverLimit: if a quota does not allow it.
    """
    group = lock(group)
    if group.status != "available":
        raise InvalidGroup(f"Group {group.pk} must be available, but its status is {group.status}.")
    members = members_of(group)
    if not members:
        raise InvalidGroup(f"Group {group.pk} is empty, so there is nothing to keep.")
    group_snapshot = GroupSnapshot(
        project_id=group.project_id, user_id=caller.user_id, group=group, name=name, description=description
    )
    begin(group_snapshot, "create", caller=caller)
    for volume in members:
        require_snapshotable(volume, is_in_use_admitted=True)
        quotas.admit_snapshot(project_id=volume.project_id, size_gib=volume.size_gib, volume_type=volume.volume_type)
        snapshot = Snapshot(
            project_id=volume.project_id,
            user_id=caller.user_id,
            volume=volume,
            group_snapshot=group_snapshot,
            name=name,
            description=description,
            size_gib=volume.size_gib,
        )
        move(snapshot, "begin_in_group", caller=caller)
    return group_snapshot


@transaction.atomic
def delete_group_snapshot(*, group_snapshot: GroupSnapshot, caller: Caller) -> None:
    """Accept that what was kept is given up. :raises InvalidGroupSnapshot: if its status, or a part's, forbids it."""
    group_snapshot = lock(group_snapshot)
    text = f"GroupSnapshot status must be available or error, but it is {group_snapshot.status}."
    begin(group_snapshot, "delete", caller=caller, refusal=InvalidGroupSnapshot(text))
    for found in group_snapshot.snapshots.order_by("volume_id", "pk"):
        snapshot = lock(found)
        refusal = InvalidGroupSnapshot(f"Its snapshot {snapshot.pk} is busy: {snapshot.status}.")
        if is_source_of_unmade(snapshot):
            raise InvalidGroupSnapshot(f"A volume is being made from its snapshot {snapshot.pk}.")
        move(snapshot, "begin_group_delete", caller=caller, refusal=refusal)


@transaction.atomic
def reset_status(*, group_snapshot: GroupSnapshot, status: str, caller: Caller) -> None:
    """Set the record straight by hand: changes the status, cancels unfinished operations, touches no storage."""
    group_snapshot = lock(group_snapshot)
    cancel_unfinished(group_snapshot, f"Status reset to {status} by hand.")
    move(group_snapshot, "reset", caller=caller, to=status, reason="reset by hand")
