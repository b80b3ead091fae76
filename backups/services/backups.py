"""What may be asked about a backup, except for what it gives to volumes (contract 04)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backups import placing, quotas, targets
from backups.errors import InvalidBackup
from backups.models import Backup
from backups.services.restores import call_off_restore, locked_with_volumes
from backups.settling import give_up_source
from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move
from storage_site.operations.history import written_together
from volumes.errors import InvalidSnapshot, InvalidVolume
from volumes.models import Snapshot, Volume
from volumes.moving import NOT_MOVING

_UNDELETABLE = "Backup status must be available or error"


@transaction.atomic
@written_together()
def create_backup(
    *,
    caller: Caller,
    volume: Volume,
    snapshot: Snapshot | None = None,
    is_incremental: bool = False,
    is_in_use_admitted: bool = False,
    container: str | None = None,
    availability_zone: str | None = None,
    **described: Any,
) -> Backup:
    """Accept that what the volume holds, or held when the snapshot was taken, is to be kept on a target.

    `described` are name, description and metadata.

    :raises InvalidVolume: if its status does not admit it. :raises InvalidSnapshot: if that of the snapshot does not.
    :raises OverLimit: if a quota does not allow it. :raises InvalidBackup: if it is to be incremental and there is
        no parent. :raises InvalidInput: if no target is in the zone. :raises NoBackupService: without any target.
    """
    if snapshot is None:
        source = _begin_source(volume, caller, is_in_use_admitted=is_in_use_admitted)
    else:
        source = _begin_reading(volume, snapshot, caller)
    quotas.admit_backup(project_id=caller.project_id, size_gib=source.size_gib)
    target = placing.choose(container=container, availability_zone=availability_zone)
    backup = Backup(
        project_id=caller.project_id,
        user_id=caller.user_id,
        volume_id=volume.pk,
        snapshot_id=snapshot.pk if snapshot else None,
        source_snapshot_id=source.pk,
        size_gib=source.size_gib,
        target=target,
        stored_in=caller.project_id,
        container=container or target,
        availability_zone=availability_zone or targets.zone_of(target),
        volume_properties=properties_of(volume),
        **{name: value for name, value in described.items() if value is not None},
    )
    backup.data_timestamp = snapshot.created_at if snapshot else backup.created_at
    if is_incremental:
        backup.parent_id = _parent_of(backup).pk
    backup.backend = volume.backend
    begin(backup, "create", caller=caller)
    return backup


@transaction.atomic
def update_backup(*, backup: Backup, caller: Caller, **changes: Any) -> Backup:
    """Change name, description or metadata (which is replaced whole)."""
    if changes:
        changes["updated_at"] = timezone.now()
        Backup.objects.filter(pk=backup.pk).update(**changes)
    for name, value in changes.items():
        setattr(backup, name, value)
    return backup


@transaction.atomic
def delete_backup(*, backup: Backup, caller: Caller, force: bool = False) -> None:
    """Ask for the backup to be removed from its target, whoever has it as a parent; `force` does so in any status.

    By force, a backup on a target that is not configured any more is forgotten at once: what lies there stays.

    :raises InvalidBackup: if it is busy. :raises BackupServiceMissing: if nobody serves its target.
    """
    if not force:
        placing.require_target(backup)
        begin(backup, "delete", caller=caller, refusal=InvalidBackup(_UNDELETABLE))
        return
    backup = _interrupted(backup, "Deleted by force.", caller)
    if placing.is_configured(backup.target):
        begin(backup, "force_delete", caller=caller)
    else:
        move(backup, "forget", caller=caller)
        give_up_source(backup)


@transaction.atomic
def reset_status(*, backup: Backup, status: str, caller: Caller) -> None:
    """Set the record straight by hand: changes the status and calls off what is unfinished, touches no target.

    :raises BackupServiceMissing: if nobody serves its target.
    """
    placing.require_target(backup)
    backup = _interrupted(backup, f"Status reset to {status} by hand.", caller)
    fields = {"restoring_volume_id": None}
    move(backup, "reset", caller=caller, to=status, fields=fields, reason="reset by hand")


def properties_of(volume: Volume) -> Mapping[str, Any]:
    """Return what a backup keeps of the volume beside its data (contract 08 section 5)."""
    return {
        "name": volume.name,
        "description": volume.description,
        "metadata": volume.metadata,
        "image_metadata": volume.image_metadata,
        "bootable": volume.is_bootable,
        "volume_type": volume.volume_type.name if volume.volume_type else None,
        "size": volume.size_gib,
    }


def _begin_source(volume: Volume, caller: Caller, *, is_in_use_admitted: bool) -> Snapshot:
    """Have a snapshot taken for the backup alone; until then the volume is busy."""
    if volume.status == "in-use" and not is_in_use_admitted:
        raise InvalidVolume("Backing up an in-use volume must use the force flag.")
    admitted = ("available", "in-use") if is_in_use_admitted else ("available",)
    # What was read of the volume has to be what it still is.
    guard = Q(status__in=admitted, size_gib=volume.size_gib, backend=volume.backend) & ~Q(backend="") & NOT_MOVING
    refusal = InvalidVolume(
        f'Volume to be backed up must be available or in-use, but the current status is "{volume.status}".'
    )
    move(volume, "begin_backup", caller=caller, guard=guard, refusal=refusal)
    source = Snapshot(
        project_id=volume.project_id,
        user_id=volume.user_id,
        volume=volume,
        size_gib=volume.size_gib,
        consumes_quota=False,
        is_listed=False,
    )
    move(source, "begin_source", caller=caller)
    return source


def _begin_reading(volume: Volume, snapshot: Snapshot, caller: Caller) -> Snapshot:
    """Keep the client's snapshot for the backup. What is backed up is as large as that, not as the volume is now."""
    if snapshot.volume_id != volume.pk:
        raise InvalidVolume(f"Snapshot {snapshot.pk} is not one of volume {volume.pk}.")
    refusal = InvalidSnapshot(
        f'Snapshot to be backed up must be available, but the current status is "{snapshot.status}".'
    )
    move(snapshot, "begin_backup", caller=caller, refusal=refusal)
    return snapshot


def _parent_of(backup: Backup) -> Backup:
    """Return the newest backup of the volume that this one can stand on, for it is kept in the same place."""
    usable = Backup.objects.filter(
        volume_id=backup.volume_id,
        project_id=backup.project_id,
        stored_in=backup.stored_in,
        target=backup.target,
        status="available",
        is_damaged=False,
        digest__isnull=False,
    )
    if backup.snapshot_id:
        usable = usable.filter(data_timestamp__lt=backup.data_timestamp)
    found = usable.order_by("-data_timestamp", "-id").first()
    if found is None:
        raise InvalidBackup("No backups available to do an incremental backup.")
    return found


def _interrupted(backup: Backup, reason: str, caller: Caller) -> Backup:
    """Lock the backup and end whatever is being done to it or from it; return it as it is then."""
    backup = locked_with_volumes(backup)
    call_off_restore(backup, caller)
    cancel_unfinished(backup, reason)
    return lock(backup)
