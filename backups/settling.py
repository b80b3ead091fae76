"""What the end of a backup or a restore means for what took part in it; services and workflows both do it.

Each function is called in the transaction that ends the work. What has to be cleared up on the storage becomes an
ordinary operation of the thing concerned, so it is done whatever dies.
"""

from backups.models import Backup
from storage_site.caller import SYSTEM
from storage_site.operations.admission import begin, cancel_unfinished, move
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from volumes.models import Snapshot, Volume
from volumes.settling import end_backup, end_lendings


def settle_source(backup: Backup) -> None:
    """After the backup has been made: keep its source as the base of the next one, let go of everything else."""
    end_lendings(backup)
    source = _source_of(backup)
    if source is None:
        return
    if source.status == "backing-up":
        move(source, "end_backup", caller=SYSTEM)
    if not source.is_listed:
        # Backups of one volume may end in another order than they began: what was taken last is the base.
        bases = Snapshot.objects.filter(volume=source.volume_id, is_listed=False, status="available")
        for snapshot in bases.order_by("-created_at", "-id").select_related("volume")[1:]:
            begin(snapshot, "delete", caller=SYSTEM)


def release_source(backup: Backup) -> None:
    """After it could not be made: let go of everything, and say why on the backup."""
    keep_reason(backup)
    end_lendings(backup)
    source = _source_of(backup)
    if source is None:
        return
    if source.status == "creating":
        end_backup(source.volume_id)
    if not source.is_listed:
        cancel_unfinished(source, "The backup that it was made for has ended.")
        begin(source, "force_delete", caller=SYSTEM)
    elif source.status == "backing-up":
        move(source, "end_backup", caller=SYSTEM)


def give_up_source(backup: Backup) -> None:
    """After the backup has been removed: nothing can be based any more on a source that was made for it."""
    source = _source_of(backup)
    is_needed = Backup.objects.filter(source_snapshot_id=backup.source_snapshot_id).exclude(pk=backup.pk).exists()
    if source is not None and not source.is_listed and not is_needed and source.status == "available":
        begin(source, "delete", caller=SYSTEM)


def release_backups(volume: Volume) -> None:
    """After a volume could not be made what a backup holds: the backup can be used again, nobody writes any more."""
    for backup in Backup.objects.filter(restoring_volume_id=volume.pk):
        release_backup(backup)
    end_lendings(volume)


def release_backup(backup: Backup) -> None:
    """Let the backup be used again."""
    if backup.status == "restoring":
        move(backup, "end_restoring", caller=SYSTEM, fields={"restoring_volume_id": None})
    else:
        Backup.objects.filter(pk=backup.pk).update(restoring_volume_id=None)


def keep_reason(backup: Backup) -> None:
    """Write on the backup why its last operation failed."""
    operations = Operation.objects.filter(resource_type=label_of(backup), resource_id=backup.pk)
    last = operations.exclude(outcome="").order_by("-serial").first()
    if last is not None:
        Backup.objects.filter(pk=backup.pk).update(fail_reason=last.fault_detail)


def _source_of(backup: Backup) -> Snapshot | None:
    return Snapshot.objects.select_related("volume").filter(pk=backup.source_snapshot_id).first()
