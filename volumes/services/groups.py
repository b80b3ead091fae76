"""What may be asked about a group of volumes (contract 06, section 6)."""

from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move
from volumes.errors import InvalidInput, InvalidVolume
from volumes.groups import quotas as group_quotas
from volumes.groups.errors import InvalidGroup
from volumes.groups.memberships import members_of, require_type
from volumes.groups.settling import end_deletion
from volumes.models import Attachment, Group, GroupType, Volume, VolumeType
from volumes.moving import NOT_MOVING
from volumes.services.volumes import known_zones
from volumes.sources import is_source_of_unmade

_ADDABLE = ("available", "in-use")
_REMOVABLE = (*_ADDABLE, "error", "error_deleting")


@transaction.atomic
def create_group(
    *,
    caller: Caller,
    group_type: GroupType,
    volume_types: Sequence[VolumeType],
    name: str | None = None,
    description: str | None = None,
    availability_zone: str | None = None,
) -> Group:
    """Accept a group for volumes of these types; the scheduler looks for the back-end of them all.

    :raises InvalidInput: if there is no such zone. :raises OverLimit: if a quota does not allow it.
    """
    zone = availability_zone or settings.STORAGE_AVAILABILITY_ZONE
    if zone not in known_zones():
        raise InvalidInput(f"Availability zone '{zone}' is invalid.")
    group_quotas.admit_group(project_id=caller.project_id)
    group = Group(
        project_id=caller.project_id,
        user_id=caller.user_id,
        group_type=group_type,
        name=name,
        description=description,
        availability_zone=zone,
    )
    begin(group, "create", caller=caller)
    group.volume_types.add(*volume_types)
    return group


@transaction.atomic
def update_group(
    *,
    group: Group,
    caller: Caller,
    add_volumes: Collection[Volume] = (),
    remove_volumes: Collection[Volume] = (),
    **changes: Any,
) -> Group:
    """Change name or description, or which volumes belong to the group.

    :raises InvalidGroup: if volumes are to change and the group is not available.
    :raises InvalidVolume, InvalidInput: if a volume cannot be added or removed; nothing has changed then.
    """
    group = lock(group)
    if add_volumes or remove_volumes:
        refusal = InvalidGroup(f"Group status must be available to change its volumes, but it is {group.status}.")
        move(group, "update", caller=caller, fields=changes, refusal=refusal)
    elif changes:
        Group.objects.filter(pk=group.pk).update(**changes)
    if both := {volume.pk for volume in add_volumes} & {volume.pk for volume in remove_volumes}:
        raise InvalidVolume(f"Volume {min(both, key=str)} cannot be both added and removed.")
    concerned = sorted({*add_volumes, *remove_volumes}, key=_identity)  # everybody locks several in this order
    locked = {volume.pk: lock(volume) for volume in concerned}
    for volume in add_volumes:
        _add(group, locked[volume.pk])
    for volume in remove_volumes:
        _remove(group, locked[volume.pk])
    group.refresh_from_db()
    return group


@transaction.atomic
def delete_group(*, group: Group, caller: Caller, with_volumes: bool = False) -> None:
    """Accept that the group is to go, `with_volumes` together with its volumes.

    :raises InvalidGroup: if its status does not admit it, it has snapshots, or volumes that are not to go.
    :raises InvalidVolume: if one of its volumes cannot go.
    """
    group = lock(group)
    refusal = InvalidGroup(f"Group status must be available or error, but it is {group.status}.")
    if group.snapshots.exists():
        raise InvalidGroup("Group has existing snapshots.")
    members = members_of(group)
    if members and not with_volumes:
        raise InvalidGroup(f"Group {group.pk} still contains volumes; set 'delete-volumes' to delete them with it.")
    for volume in members:
        _require_free(volume)
        busy = InvalidVolume(f"Volume {volume.pk} of the group cannot be deleted while its status is {volume.status}.")
        move(volume, "begin_group_delete", caller=caller, guard=NOT_MOVING, refusal=busy)
    if group.backend and any(volume.backend for volume in members):
        begin(group, "delete", caller=caller, refusal=refusal)
    else:
        end_deletion(group)
        move(group, "forget", caller=caller, refusal=refusal)


@transaction.atomic
def reset_status(*, group: Group, status: str, caller: Caller) -> None:
    """Set the record straight by hand: changes the status, cancels unfinished operations, touches no storage."""
    group = lock(group)
    cancel_unfinished(group, f"Status reset to {status} by hand.")
    move(group, "reset", caller=caller, to=status, reason="reset by hand")


def _identity(volume: Volume) -> str:
    return str(volume.pk)


def _add(group: Group, volume: Volume) -> None:
    """Add the volume, which is locked. :raises InvalidVolume, InvalidInput: if it cannot be."""
    text = f"Cannot add volume {volume.pk} to group {group.pk}"
    if volume.project_id != group.project_id:
        raise InvalidVolume(f"{text}: it is of another project.")
    if volume.group_id is not None:
        raise InvalidVolume(f"{text}: it belongs to group {volume.group_id} already.")
    require_type(group, volume.volume_type)
    if volume.backend != group.backend:
        raise InvalidVolume(f"{text}: it is not where the volumes of the group are.")
    admitted = Volume.objects.filter(NOT_MOVING, pk=volume.pk, status__in=_ADDABLE)
    if not admitted.update(group=group):
        raise InvalidVolume(f"{text}: its status must be available or in-use, but it is {volume.status}.")


def _remove(group: Group, volume: Volume) -> None:
    """Take the volume, which is locked, out of the group. :raises InvalidVolume: if it is not in it, or busy."""
    text = f"Cannot remove volume {volume.pk} from group {group.pk}"
    if volume.group_id != group.pk:
        raise InvalidVolume(f"{text}: it does not belong to it.")
    if not Volume.objects.filter(pk=volume.pk, status__in=_REMOVABLE).update(group=None):
        raise InvalidVolume(f"{text}: its status must be available or in-use, but it is {volume.status}.")


def _require_free(volume: Volume) -> None:
    """Make sure that nobody needs the volume. :raises InvalidVolume: if somebody does."""
    if Attachment.objects.filter(volume=volume, is_listed=True).exists():
        raise InvalidVolume(f"Volume {volume.pk} of the group is attached; detach it first.")
    if volume.snapshots.filter(is_listed=True).exists():
        raise InvalidVolume(f"Volume {volume.pk} of the group has snapshots; delete them first.")
    if is_source_of_unmade(volume) or volume.snapshots.filter(is_listed=False, status="backing-up").exists():
        raise InvalidVolume(f"Volume {volume.pk} of the group is being copied.")
