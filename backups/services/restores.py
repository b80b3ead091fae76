"""Giving volumes what backups hold: beginning it, and calling it off (contract 04 section 5)."""

from django.db import transaction
from django.db.models import Q

from backups import placing
from backups.errors import InvalidBackup
from backups.models import Backup
from backups.properties import UNDESCRIBED, UNNAMED
from backups.sources import BackupSource
from storage_site.caller import Caller
from storage_site.operations.admission import begin, lock, move, unfinished
from storage_site.operations.calling_off import call_off
from volumes.errors import InvalidVolume
from volumes.lookups import volume_of
from volumes.models import Attachment, Volume
from volumes.services.volumes import create_volume

_UNAVAILABLE = "Backup status must be available"


def restore_backup(*, caller: Caller, backup: Backup, volume_id: str | None = None, name: str | None = None) -> Volume:
    """Accept that a volume is to hold what the backup does: the one with that id, else a new one called `name`.

    :raises InvalidBackup: if it is not available. :raises BackupServiceMissing: if nobody serves its target.
    :raises VolumeNotFound: if the caller can see no such volume. :raises InvalidVolume: if that is not available or
        too small. :raises StorageError: as `create_volume`.
    """
    if backup.status != "available":
        raise InvalidBackup(_UNAVAILABLE)
    if volume_id is None:
        return create_volume(
            caller=caller,
            size_gib=backup.size_gib,
            name=name or f"{UNNAMED}{backup.pk}",
            description=UNDESCRIBED,
            source=BackupSource(backup),
        )
    return _restore_into(volume_of(caller, volume_id), backup, caller)


@transaction.atomic
def _restore_into(volume: Volume, backup: Backup, caller: Caller) -> Volume:
    placing.require_target(backup)
    volume = lock(volume)
    refusal = InvalidVolume("Volume to be restored to must be available")
    if volume.status != "available" or not volume.backend:
        raise refusal
    if volume.size_gib < backup.size_gib:
        raise InvalidVolume(f"volume size {volume.size_gib} is too small to restore backup of size {backup.size_gib}.")
    fields = {"restoring_volume_id": volume.pk}
    move(backup, "begin_restoring", caller=caller, fields=fields, refusal=InvalidBackup(_UNAVAILABLE))
    # A host may have been let in by the older calls, which do not look at the status.
    guard = ~Q(pk__in=Attachment.objects.of_clients().filter(volume=volume).values("volume"))
    arguments = {"backup_id": str(backup.pk), "is_fresh": False}
    begin(volume, "restore", caller=caller, arguments=arguments, guard=guard, refusal=refusal)
    return volume


def locked_with_volumes(backup: Backup) -> Backup:
    """Lock the volume that the backup is of and the one that is being given what it holds, then the backup.

    :raises NotFound: if it has gone. :raises InvalidBackup: if it has begun to be restored since.
    """
    restored = Backup.objects.filter(pk=backup.pk).values_list("restoring_volume_id", flat=True).first()
    # Everybody locks volumes in the order of their ids, and before backups.
    list(Volume.objects.select_for_update().filter(pk__in=[backup.volume_id, restored]).order_by("pk"))
    found = lock(backup)
    if found.restoring_volume_id != restored:
        raise InvalidBackup("It is changing at this moment; try again.")
    return found


def call_off_restore(backup: Backup, caller: Caller) -> None:
    """End the work of giving a volume what the backup holds, which leaves the volume in error.

    One that is still being made is left to be: its restore finds out.
    """
    volume = Volume.objects.filter(pk=backup.restoring_volume_id).first()
    if volume is None:
        return
    operation = unfinished(volume)
    if operation is not None and operation.verb == "restore":
        call_off(operation=operation, caller=caller)
        move(volume, "reset", caller=caller, to="error", reason="its restore was called off")
