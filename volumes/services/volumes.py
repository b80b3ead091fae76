"""What may be asked about a volume."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move, unfinished
from storage_site.operations.calling_off import call_off
from volumes import moving, quotas
from volumes.errors import DefaultTypeMissing, InvalidInput, InvalidVolume, MetadataChanged
from volumes.groups.memberships import admit_new
from volumes.models import Attachment, DefaultType, Group, Volume, VolumeType
from volumes.services.attachments import begin_disconnecting
from volumes.sources import Source, is_source_of_unmade

_UNDELETABLE = (
    "Volume status must be available or error or error_restoring or error_extending or error_managing and must not "
    "be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from "
    "snapshots after volume transfer."
)
_UNDELETABLE_BY_FORCE = _UNDELETABLE.replace(
    "status must be available or error or error_restoring or error_extending or error_managing and ", " "
)


@transaction.atomic
def create_volume(
    *,
    caller: Caller,
    size_gib: int,
    name: str | None = None,
    description: str | None = None,
    volume_type: VolumeType | None = None,
    availability_zone: str | None = None,
    metadata: Mapping[str, str] | None = None,
    hints: Mapping[str, Any] | None = None,
    source: Source | None = None,
    group: Group | None = None,
) -> Volume:
    """Accept a volume of `size_gib` GiB, blank or from `source`; a type not given is the source's or the default.

    :raises InvalidInput: if type, source or group do not allow the size, the zone or the place.
    :raises InvalidSource, InvalidGroup: if the source or the group is not ready. :raises OverLimit: if a quota does
        not allow it. :raises DefaultTypeMissing: if it is missing.
    """
    inherited = source.admit(size_gib) if source else None
    group = admit_new(group, volume_type, inherited) if group else None
    volume_type = volume_type or (inherited.volume_type if inherited else None) or default_type(caller)
    require_size_of_type(size_gib, volume_type)
    if hasattr(volume_type, "encryption"):
        raise InvalidInput(f"Invalid encryption spec: no back-end can encrypt the volumes of type {volume_type.name}.")
    given_zone = availability_zone or (group.availability_zone if group else None)
    zone = _zone_for(given_zone or (inherited.availability_zone if inherited else None), volume_type)
    quotas.admit_volume(project_id=caller.project_id, size_gib=size_gib, volume_type=volume_type)
    volume = Volume(
        project_id=caller.project_id,
        user_id=caller.user_id,
        name=name,
        description=description,
        size_gib=size_gib,
        volume_type=volume_type,
        group=group,
        availability_zone=zone,
        metadata=dict(metadata or {}),
        is_multiattach=volume_type.is_multiattach,
        **(inherited.fields if inherited else {}),
    )
    arguments = {"hints": dict(hints or {}), **(inherited.arguments if inherited else {})}
    begin(volume, "create", caller=caller, arguments=arguments)
    if source:
        source.promise(volume, caller)
    return volume


@transaction.atomic
def update_volume(*, volume: Volume, caller: Caller, **changes: Any) -> Volume:
    """Change name, description or metadata (which is replaced whole). :raises InvalidVolume: in maintenance."""
    _write(volume, **changes)
    return volume


@transaction.atomic
def delete_volume(*, volume: Volume, caller: Caller, force: bool = False, cascade: bool = False) -> None:
    """Ask the volume's back-end to delete it; `force` in any status that is not attached, `cascade` with snapshots.

    :raises InvalidVolume: if it is attached, migrating or busy, or has snapshots that are not to go or cannot.
    """
    volume = lock(volume)
    refusal = InvalidVolume(_UNDELETABLE_BY_FORCE if force else _UNDELETABLE)
    is_used = Attachment.objects.filter(volume=volume, is_listed=True).exists()
    if is_used or volume.group_id is not None or is_source_of_unmade(volume):
        raise refusal
    if volume.snapshots.filter(is_listed=False, status="backing-up").exists() and not force:
        raise refusal  # a backup is reading it
    for snapshot in volume.snapshots.filter(is_listed=True).exclude(status="deleting"):
        may_go = cascade and (caller.is_admin or snapshot.project_id == caller.project_id)
        if not may_go or snapshot.group_snapshot_id is not None or is_source_of_unmade(snapshot):
            raise refusal
        move(snapshot, "begin_cascade", caller=caller, refusal=refusal)
    if volume.is_moving:
        raise refusal
    if force:
        cancel_unfinished(volume, "Deleted by force.")
    # What could not be taken over from the storage is not ours to remove from there.
    is_stored = bool(volume.backend) and volume.status not in {"managing", "error_managing"}
    verb = ("force_" if force else "") + ("delete" if is_stored else "forget")
    if is_stored:
        begin(volume, verb, caller=caller, guard=moving.NOT_MOVING, refusal=refusal)
    else:
        move(volume, verb, caller=caller, guard=moving.NOT_MOVING, refusal=refusal)


@transaction.atomic
def begin_attaching(*, volume: Volume, caller: Caller) -> None:
    """Reserve the volume for an attachment by the older actions (os-reserve)."""
    volume = lock(volume)
    moving.require_at_rest(volume)
    refusal = InvalidVolume(f"Volume status must be available to reserve, but the status is {volume.status}.")
    if volume.status == "in-use" and not volume.is_multiattach:
        raise refusal
    move(volume, "begin_attaching", caller=caller, refusal=refusal)


@transaction.atomic
def unreserve(*, volume: Volume, caller: Caller) -> None:
    """Give up such a reservation; a volume that is not `attaching` stays as it is (os-unreserve)."""
    volume = lock(volume)
    if volume.status == "attaching":
        attached = Attachment.objects.filter(volume=volume, status="attached").exists()
        move(volume, "unreserve", caller=caller, to="in-use" if attached else "available")


@transaction.atomic
def begin_detaching(*, volume: Volume, caller: Caller) -> None:
    """Announce that an attached volume is about to be detached (os-begin_detaching)."""
    volume = lock(volume)
    refusal = InvalidVolume(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach."
    )
    if not Attachment.objects.filter(volume=volume, status="attached").exists():
        raise refusal
    move(volume, "begin_detaching", caller=caller, refusal=refusal)


@transaction.atomic
def roll_detaching(*, volume: Volume, caller: Caller) -> None:
    """Take the announcement back; a volume that is not `detaching` stays as it is (os-roll_detaching)."""
    volume = lock(volume)
    if volume.status == "detaching":
        move(volume, "roll_detaching", caller=caller)


@transaction.atomic
def set_bootable(*, volume: Volume, is_bootable: bool, caller: Caller) -> None:
    """Say whether a machine may boot from the volume."""
    _write(volume, is_bootable=is_bootable)


@transaction.atomic
def set_readonly(*, volume: Volume, is_readonly: bool, caller: Caller) -> None:
    """Say whether the volume may be written by those who attach it. :raises InvalidVolume: unless available."""
    if not Volume.objects.filter(pk=volume.pk, status="available").update(
        is_readonly=is_readonly, updated_at=timezone.now()
    ):
        raise InvalidVolume(
            f"Volume {volume.pk} status must be available to update readonly flag, but current status is: "
            f"{volume.status}."
        )


@transaction.atomic
def merge_metadata(
    *, volume: Volume, metadata: Mapping[str, str], caller: Caller, seen: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Add to the volume's metadata, or replace pairs of it; return all of it.

    :raises MetadataChanged: if it is not what was `seen`. :raises InvalidVolume: in maintenance or while uploading.
    """
    return _metadata(volume, "metadata", lambda current: {**current, **metadata}, seen)


@transaction.atomic
def replace_metadata(
    *, volume: Volume, metadata: Mapping[str, str], caller: Caller, seen: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Replace the volume's metadata; return it. Raises as merging does."""
    return _metadata(volume, "metadata", lambda _current: dict(metadata), seen)


@transaction.atomic
def delete_metadata(*, volume: Volume, key: str, caller: Caller) -> None:
    """Remove one pair of the volume's metadata."""
    _metadata(volume, "metadata", lambda current: {name: value for name, value in current.items() if name != key})


@transaction.atomic
def merge_image_metadata(*, volume: Volume, metadata: Mapping[str, str], caller: Caller) -> Mapping[str, str]:
    """Add to what is known of the image on the volume; return all of it."""
    return _metadata(volume, "image_metadata", lambda current: {**current, **metadata})


@transaction.atomic
def delete_image_metadata(*, volume: Volume, key: str, caller: Caller) -> None:
    """Remove one pair of what is known of the image on the volume."""
    _metadata(volume, "image_metadata", lambda current: {name: value for name, value in current.items() if name != key})


@transaction.atomic
def reset_status(
    *,
    volume: Volume,
    caller: Caller,
    status: str | None = None,
    attach_status: str | None = None,
    migration_status: str | None = None,
) -> None:
    """Set the record straight by hand: changes statuses and cancels unfinished operations.

    `attach_status` "detached" removes the attachments from sight at once; where the storage still lets a host in,
    a worker shuts it out. `migration_status` "none" clears it.
    """
    volume = lock(volume)
    if (volume.migration_status or "").startswith(moving.STANDS_IN_FOR):
        raise InvalidVolume(f"Volume {volume.pk} stands in for one that is being migrated; reset that one.")
    attachments = Attachment.objects.of_clients().filter(volume=volume)
    if status == "in-use" and not attachments.filter(is_listed=True).exists():
        raise InvalidVolume("Cannot set status to in-use, the volume has no attachments.")
    if attach_status == "detached":
        attachments.update(is_listed=False)
        for attachment in attachments:
            begin_disconnecting(attachment=attachment, caller=caller)
        _write(volume, attached_mode="")
    if migration_status is not None:
        volume = _without_moves(volume, caller)
        _write(volume, migration_status=None if migration_status == "none" else migration_status)
    if status is not None:
        cancel_unfinished(volume, f"Status reset to {status} by hand.")
        fields = {"growing_to_gib": None}
        move(volume, "reset", caller=caller, to=status, fields=fields, reason="reset by hand")


def _without_moves(volume: Volume, caller: Caller) -> Volume:
    """End the move that is going on of a volume, which is locked; return it as it is then."""
    operation = unfinished(volume)
    if operation is None or operation.verb not in {"migrate", "migrate_locked", "retype"}:
        return volume
    call_off(operation=operation, caller=caller)
    return lock(volume)


def default_type(caller: Caller) -> VolumeType:
    """Return the type of the caller's volumes for which none is named: its project's default, or everybody's.

    :raises DefaultTypeMissing: if it does not exist, or the project may not use its own one.
    """
    own = DefaultType.objects.filter(project_id=caller.project_id, volume_type=OuterRef("pk"))
    candidates = VolumeType.objects.select_related("encryption").annotate(is_own=Exists(own))
    found = candidates.filter(Q(is_own=True) | Q(name=settings.DEFAULT_VOLUME_TYPE)).order_by("-is_own").first()
    is_allowed = found is not None and (
        found.is_public or not found.is_own or VolumeType.objects.visible_to(caller).filter(pk=found.pk).exists()
    )
    if not is_allowed:
        raise DefaultTypeMissing
    return found


def require_size_of_type(size_gib: int, volume_type: VolumeType) -> None:
    """Make sure that the type allows the size. :raises InvalidInput: if it does not."""
    smallest = int(volume_type.extra_specs.get("provisioning:min_vol_size") or 0)
    largest = int(volume_type.extra_specs.get("provisioning:max_vol_size") or size_gib)
    if size_gib < smallest:
        raise InvalidInput(
            f"Specified volume size of {size_gib} GB is less than the minimum required size of {smallest} GB "
            f"for volume type {volume_type.name}."
        )
    if size_gib > largest:
        raise InvalidInput(
            f"Specified volume size of {size_gib} GB is greater than the maximum allowable size of {largest} GB "
            f"for volume type {volume_type.name}."
        )


def _zone_for(asked: str | None, volume_type: VolumeType) -> str:
    allowed = [zone.strip() for zone in volume_type.extra_specs.get("RESKEY:availability_zones", "").split(",")]
    allowed = [zone for zone in allowed if zone]
    zone = asked or (allowed[0] if allowed else settings.STORAGE_AVAILABILITY_ZONE)
    if zone not in known_zones() or (allowed and zone not in allowed):
        raise InvalidInput(f"Availability zone '{zone}' is invalid.")
    return zone


def known_zones() -> frozenset[str]:
    """Return the zones of all back-ends in the settings."""
    zones = (entry.get("zone", settings.STORAGE_AVAILABILITY_ZONE) for entry in settings.STORAGE_BACKENDS.values())
    return frozenset(zones) | {settings.STORAGE_AVAILABILITY_ZONE}


def _write(volume: Volume, **changes: Any) -> None:
    if not changes:
        return
    rows = Volume.objects.filter(pk=volume.pk).exclude(status="maintenance")
    now = timezone.now()
    if not rows.update(updated_at=now, **changes):
        raise InvalidVolume("Volume is in maintenance mode and cannot be updated.")
    for name, value in {**changes, "updated_at": now}.items():
        setattr(volume, name, value)


def _metadata(volume: Volume, field: str, change: Any, seen: Mapping[str, str] | None = None) -> Mapping[str, str]:
    locked = lock(volume)
    if seen is not None and getattr(locked, field) != seen:
        raise MetadataChanged
    if locked.status in {"maintenance", "uploading"}:
        raise InvalidVolume(f"Metadata cannot be changed while the volume is {locked.status}.")
    changed: Mapping[str, str] = change(getattr(locked, field))
    _write(volume, **{field: changed})
    return changed
