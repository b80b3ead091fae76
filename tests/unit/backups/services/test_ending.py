"""Deleting backups and setting their record straight: also while something is being done to or from them."""

import pytest

from backups.errors import BackupServiceMissing, InvalidBackup
from backups.models import Backup
from backups.services.backups import create_backup, delete_backup, reset_status
from backups.services.restores import restore_backup
from storage_site.operations.models import Operation, Transition
from tests.factories import AttachmentFactory, BackupFactory, SnapshotFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Attachment, Snapshot, Volume

pytestmark = pytest.mark.django_db


def operations(**wanted):
    return sorted(Operation.objects.filter(**wanted).values_list("resource_type", "verb", "outcome"))


@pytest.mark.parametrize("status", ["available", "error"])
def test_a_backup_is_deleted_whoever_has_it_as_a_parent(member, status):
    parent = BackupFactory(status=status)
    BackupFactory(parent_id=parent.pk)
    delete_backup(backup=parent, caller=member)
    parent.refresh_from_db()
    operation = Operation.objects.get()
    assert (parent.status, operation.verb, operation.queue) == ("deleting", "delete", "backup")
    assert operation.task == "backups.tasks.delete_backup"


@pytest.mark.parametrize("status", ["creating", "restoring", "deleting", "error_deleting"])
def test_a_busy_backup_is_not_deleted(member, status):
    with pytest.raises(InvalidBackup, match=r"^Invalid backup: Backup status must be available or error$"):
        delete_backup(backup=BackupFactory(status=status), caller=member)


@pytest.mark.parametrize("status", ["creating", "available", "restoring", "deleting", "error", "error_deleting"])
def test_force_deletes_in_any_status(admin, status):
    backup = BackupFactory(status=status)
    delete_backup(backup=backup, caller=admin, force=True)
    delete_backup(backup=backup, caller=admin, force=True)
    assert Backup.objects.get().status == "deleting"
    assert operations(outcome="") == [("backups.backup", "force_delete", "")]


def test_where_nobody_serves_the_target_nothing_is_accepted(admin):
    backup = BackupFactory(target="gone")
    for call in (
        lambda: delete_backup(backup=backup, caller=admin),
        lambda: reset_status(backup=backup, status="error", caller=admin),
    ):
        with pytest.raises(BackupServiceMissing) as refused:
            call()
        assert refused.value.http_status == 404
    assert Backup.objects.get().status == "available"


@pytest.mark.parametrize("status", ["available", "creating", "deleting", "error"])
def test_by_force_a_backup_on_a_target_that_is_gone_is_forgotten(admin, status):
    source = SnapshotFactory(is_listed=False)
    backup = BackupFactory(target="gone", status=status, source_snapshot_id=source.pk)
    delete_backup(backup=backup, caller=admin, force=True)
    assert not Backup.objects.exists()
    assert Transition.objects.get(resource_id=backup.pk).verb == "forget"
    assert operations() == [("volumes.snapshot", "delete", "")]


@pytest.mark.parametrize("how", ["delete", "reset"])
@pytest.mark.parametrize("is_taken", [False, True])
def test_one_that_is_being_made_lets_go_of_what_took_part(admin, how, is_taken):
    backup = create_backup(caller=admin, volume=VolumeFactory())
    source = Snapshot.objects.get()
    if is_taken:
        Snapshot.objects.update(status="backing-up")
        Volume.objects.update(status="available")
        AttachmentFactory(volume=source.volume, snapshot=source, is_listed=False, lent_to=backup.pk, status="reserved")
    if how == "delete":
        delete_backup(backup=backup, caller=admin, force=True)
    else:
        reset_status(backup=backup, status="error", caller=admin)
    backup.refresh_from_db()
    assert backup.status == ("deleting" if how == "delete" else "error")
    assert Volume.objects.get().status == "available"
    assert Snapshot.objects.get().status == "deleting"
    waiting = {("volumes.snapshot", "force_delete", "")}
    waiting |= {("volumes.attachment", "disconnect", "")} if is_taken else set()
    waiting |= {("backups.backup", "force_delete", "")} if how == "delete" else set()
    assert set(operations(outcome="")) == waiting
    assert Attachment.objects.exclude(status="detaching").count() == 0


def test_a_client_s_snapshot_is_available_again(admin):
    snapshot = SnapshotFactory()
    backup = create_backup(caller=admin, volume=snapshot.volume, snapshot=snapshot)
    reset_status(backup=backup, status="error", caller=admin)
    assert Snapshot.objects.get().status == "available"


@pytest.mark.parametrize("how", ["delete", "reset"])
def test_one_that_is_being_restored_leaves_its_volume_in_error(admin, how):
    backup, volume = BackupFactory(), VolumeFactory()
    restore_backup(caller=admin, backup=backup, volume_id=str(volume.pk))
    AttachmentFactory(volume=volume, is_listed=False, lent_to=volume.pk, status="reserved")
    if how == "delete":
        delete_backup(backup=backup, caller=admin, force=True)
    else:
        reset_status(backup=backup, status="available", caller=admin)
    backup.refresh_from_db()
    volume.refresh_from_db()
    assert (volume.status, backup.restoring_volume_id) == ("error", None)
    assert backup.status == ("deleting" if how == "delete" else "available")
    assert ("volumes.volume", "restore", "cancelled") in operations()
    assert Attachment.objects.get().status == "detaching"


def test_the_volume_that_is_still_to_be_made_is_left_to_be(admin):
    backup = BackupFactory()
    volume = restore_backup(caller=admin, backup=backup)
    reset_status(backup=backup, status="available", caller=admin)
    backup.refresh_from_db()
    volume.refresh_from_db()
    assert (backup.status, backup.restoring_volume_id, volume.status) == ("available", None, "creating")


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_forcing_and_restoring_at_once_do_not_wait_in_a_circle(admin, default_type):
    for _round in range(5):
        backup, volume = BackupFactory(), VolumeFactory()
        copies = [Backup.objects.get(pk=backup.pk) for _ in range(3)]
        results = at_once(
            lambda copies=copies: delete_backup(backup=copies[0], caller=admin, force=True),
            lambda copies=copies, volume=volume: restore_backup(
                caller=admin, backup=copies[1], volume_id=str(volume.pk)
            ),
            lambda copies=copies: reset_status(backup=copies[2], status="error", caller=admin),
        )
        assert all(isinstance(each, None | Volume | InvalidBackup) for each in results), results
