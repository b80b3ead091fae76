"""Stories of backups, of volumes that are given what these hold, and of the repositories that they are in."""

from backups.models import Backup
from backups.serializers.records import Columns
from backups.services import records, repositories
from backups.services.backups import create_backup, delete_backup
from backups.services.restores import restore_backup
from backups.sources import BackupSource
from storage_site.caller import SYSTEM
from tests.matrix.stage import Stage
from tests.matrix.stories import story
from volumes.models import Snapshot, Volume
from volumes.services.volumes import create_volume

VOLUME, BACKUP, REPOSITORY = "volumes.volume", "backups.backup", "backups.repository"


def _asked(stage: Stage, volume: Volume, snapshot: Snapshot | None = None, *, is_incremental: bool = False) -> Backup:
    stage.has_backups = True
    volume.refresh_from_db()
    return create_backup(
        caller=stage.caller, volume=volume, snapshot=snapshot, is_incremental=is_incremental, container=stage.target
    )


@story(f"{BACKUP}.create")
def of_a_volume(stage: Stage) -> None:
    volume = stage.volume(1, 5)
    with stage.asking(f"{BACKUP}.create"):
        backup = _asked(stage, volume)
    _can_be_restored(stage, backup)
    volume.refresh_from_db()
    assert volume.status == "available"


@story(f"{BACKUP}.create")
def of_a_snapshot(stage: Stage) -> None:
    volume = stage.volume(1, 5)
    snapshot = stage.snapshot(volume)
    with stage.asking(f"{BACKUP}.create"):
        backup = _asked(stage, volume, snapshot)
    snapshot.refresh_from_db()
    assert snapshot.status == "available"
    _can_be_restored(stage, backup)


@story(f"{BACKUP}.create")
def of_what_changed(stage: Stage) -> None:
    volume = stage.volume(1)
    stage.backup(volume)
    stage.write(volume, [5])
    with stage.asking(f"{BACKUP}.create"):
        backup = _asked(stage, volume, is_incremental=True)
    _can_be_restored(stage, backup)


def _can_be_restored(stage: Stage, backup: Backup) -> None:
    """Make sure that a backup that is told to be good is."""
    if stage.is_well:
        backup.refresh_from_db()
        volume = restore_backup(caller=stage.caller, backup=backup)
        stage.settle()
        volume.refresh_from_db()
        assert volume.status == "available"
        assert stage.holds(volume, 1, 5)


@story(f"{BACKUP}.delete")
def removed(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1))
    with stage.asking(f"{BACKUP}.delete"):
        delete_backup(backup=backup, caller=stage.caller)


@story(f"{BACKUP}.force_delete")
def removed_by_force(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1))
    with stage.asking(f"{BACKUP}.force_delete"):
        delete_backup(backup=backup, caller=stage.caller, force=True)


@story(f"{BACKUP}.import_record")
def brought_back_by_its_record(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1, 5))
    columns = Columns.read(records.record_of(backup))
    Backup.objects.filter(pk=backup.pk).delete()
    with stage.asking(f"{BACKUP}.import_record"):
        backup = records.import_record(caller=stage.caller, service=records.SERVICE, columns=columns)
    _can_be_restored(stage, backup)


@story(f"{VOLUME}.restore")
def into_a_volume(stage: Stage) -> None:
    volume = stage.volume(1, 5)
    backup = stage.backup(volume)
    stage.write(volume, [1, 9], seed=2)
    with stage.asking(f"{VOLUME}.restore"):
        restore_backup(caller=stage.caller, backup=backup, volume_id=str(volume.pk))
    _is_restored(stage, backup, volume)


@story(f"{VOLUME}.restore")
def into_one_that_is_made_for_it(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1, 5))
    with stage.asking(f"{VOLUME}.create"):
        volume = create_volume(caller=stage.caller, size_gib=1, source=BackupSource(backup))
    stage.begun = list(stage.operations().filter(resource_id=volume.pk).order_by("serial"))
    _is_restored(stage, backup, volume)


def _is_restored(stage: Stage, backup: Backup, volume: Volume) -> None:
    volume.refresh_from_db()
    backup.refresh_from_db()
    assert (backup.status, backup.restoring_volume_id) == ("available", None)
    assert not stage.is_well or stage.holds(volume, 1, 5)


@story(f"{REPOSITORY}.collect")
def room_given_back(stage: Stage) -> None:
    volume = stage.volume(1)
    kept, gone = stage.backup(volume), stage.backup(volume)
    delete_backup(backup=gone, caller=stage.caller)
    stage.settle()
    repository = stage.repository()
    with stage.asking(f"{REPOSITORY}.collect", repository.pk):
        repositories.begin_collect(repository=repository, caller=SYSTEM)
    kept.refresh_from_db()
    assert kept.status == "available"


@story(f"{REPOSITORY}.verify")
def looked_at(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1))
    repository = stage.repository()
    with stage.asking(f"{REPOSITORY}.verify", repository.pk):
        repositories.begin_verify(repository=repository, part=1.0, caller=SYSTEM)
    backup.refresh_from_db()
    repository.refresh_from_db()
    assert backup.status == "available"
    assert not stage.is_well or repository.findings["verified"]["problems"] == 0


@story(f"{REPOSITORY}.rotate")
def keys_wrapped_anew(stage: Stage) -> None:
    backup = stage.backup(stage.volume(1, 5))
    repository = stage.repository()
    with stage.asking(f"{REPOSITORY}.rotate", repository.pk):
        repositories.begin_rotate(repository=repository, caller=SYSTEM)
    _can_be_restored(stage, backup)
