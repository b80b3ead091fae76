"""Accepting that a volume is to hold what a backup does."""

import pytest

from backups.errors import BackupServiceMissing, InvalidBackup
from backups.models import Backup
from backups.services.restores import restore_backup
from storage_site.errors import NotFound, OverLimit, StorageError
from storage_site.operations.models import Operation
from tests.factories import PROJECT, AttachmentFactory, BackupFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.errors import InvalidVolume
from volumes.models import Quota, Volume

pytestmark = pytest.mark.django_db


def test_an_available_volume_is_restored_to(member):
    backup, volume = BackupFactory(), VolumeFactory(size_gib=2)
    assert restore_backup(caller=member, backup=backup, volume_id=str(volume.pk), name="ignored").pk == volume.pk
    backup.refresh_from_db()
    volume.refresh_from_db()
    assert (backup.status, backup.restoring_volume_id, volume.status) == ("restoring", volume.pk, "restoring-backup")
    assert (volume.size_gib, volume.name) != (1, "ignored")
    operation = Operation.objects.get()
    assert (operation.verb, operation.task, operation.queue) == ("restore", "backups.tasks.open_target", "volume-mem1")
    assert operation.arguments == {"backup_id": str(backup.pk), "is_fresh": False}


@pytest.mark.parametrize("name", [None, "", "mine"])
def test_without_a_volume_a_new_one_is_made_and_named_at_once(member, name):
    backup = BackupFactory(size_gib=3)
    volume = restore_backup(caller=member, backup=backup, name=name)
    backup.refresh_from_db()
    assert (volume.status, volume.size_gib, volume.name) == ("creating", 3, name or f"restore_backup_{backup.pk}")
    assert volume.description == "auto-created_from_restore_from_backup"
    assert (volume.volume_type.name, volume.availability_zone) == ("__DEFAULT__", "nova")
    assert (backup.status, backup.restoring_volume_id) == ("restoring", volume.pk)
    following = {"verb": "restore", "arguments": {"backup_id": str(backup.pk), "is_fresh": True}}
    assert Operation.objects.get().arguments["then"] == following


@pytest.mark.parametrize("status", ["creating", "restoring", "error", "deleting", "error_deleting"])
def test_only_an_available_backup_is_restored(member, status):
    backup = BackupFactory(status=status)
    for volume_id in (None, str(VolumeFactory().pk), "00000000-0000-0000-0000-000000000001"):
        with pytest.raises(InvalidBackup, match=r"^Invalid backup: Backup status must be available$"):
            restore_backup(caller=member, backup=backup, volume_id=volume_id)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("status", ["in-use", "error", "creating", "backing-up", "error_restoring", "reserved"])
def test_only_an_available_volume_is_restored_to(member, status):
    volume, backup = VolumeFactory(status=status), BackupFactory()
    with pytest.raises(InvalidVolume, match=r"Volume to be restored to must be available$"):
        restore_backup(caller=member, backup=backup, volume_id=str(volume.pk))
    backup.refresh_from_db()
    assert (backup.status, backup.restoring_volume_id) == ("available", None)


def test_a_volume_that_is_too_small_is_not_restored_to(member):
    text = "volume size 1 is too small to restore backup of size 2.$"
    with pytest.raises(InvalidVolume, match=text):
        restore_backup(caller=member, backup=BackupFactory(size_gib=2), volume_id=str(VolumeFactory().pk))


def test_a_volume_into_which_a_host_was_let_by_the_older_calls_is_not_restored_to(member):
    volume, backup = VolumeFactory(), BackupFactory()
    AttachmentFactory(volume=volume, is_listed=False)
    with pytest.raises(InvalidVolume):
        restore_backup(caller=member, backup=backup, volume_id=str(volume.pk))
    assert Backup.objects.get(pk=backup.pk).status == "available"


def test_what_was_lent_for_an_earlier_restore_is_in_nobody_s_way(member):
    volume = VolumeFactory()
    AttachmentFactory(volume=volume, is_listed=False, lent_to=volume.pk, status="detaching")
    restore_backup(caller=member, backup=BackupFactory(), volume_id=str(volume.pk))


def test_another_project_s_volume_is_not_found(member):
    volume = VolumeFactory(project_id="b" * 32)
    with pytest.raises(NotFound, match=f"Volume {volume.pk} could not be found."):
        restore_backup(caller=member, backup=BackupFactory(), volume_id=str(volume.pk))


def test_a_backup_on_a_target_that_is_not_configured_has_no_service(member):
    with pytest.raises(BackupServiceMissing):
        restore_backup(caller=member, backup=BackupFactory(target="gone"))


def test_a_quota_that_does_not_allow_the_new_volume_leaves_the_backup_available(member):
    Quota.objects.create(project_id=PROJECT, resource="volumes", limit=0)
    backup = BackupFactory(volume=None, volume_id="00000000-0000-0000-0000-000000000001", size_gib=1)
    with pytest.raises(OverLimit):
        restore_backup(caller=member, backup=backup)
    assert Backup.objects.get().status == "available"
    assert not Volume.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
@pytest.mark.parametrize("into", ["existing", "new", "both"])
def test_of_several_restores_of_one_backup_at_once_one_is_accepted(member, default_type, into):
    backup = BackupFactory()
    ids = {"existing": [str(VolumeFactory().pk) for _ in range(4)], "new": [None] * 4}
    ids["both"] = ids["existing"][:2] + ids["new"][:2]
    before = Volume.objects.count()

    def restore(volume_id):
        return lambda: restore_backup(caller=member, backup=Backup.objects.get(pk=backup.pk), volume_id=volume_id)

    results = at_once(*[restore(volume_id) for volume_id in ids[into]])
    accepted = [result for result in results if isinstance(result, Volume)]
    assert sum(isinstance(result, InvalidBackup) for result in results) == 3, results
    assert Backup.objects.get().restoring_volume_id == accepted[0].pk
    assert Volume.objects.count() - before == (accepted[0].status == "creating")
    assert Volume.objects.filter(status="restoring-backup").count() == (accepted[0].status == "restoring-backup")


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_a_backup_is_either_deleted_or_restored(member, default_type):
    from backups.services.backups import delete_backup

    for _round in range(5):
        backup = BackupFactory()
        copies = [Backup.objects.get(pk=backup.pk) for _ in range(2)]
        results = at_once(
            lambda copies=copies: restore_backup(caller=member, backup=copies[0]),
            lambda copies=copies: delete_backup(backup=copies[1], caller=member),
        )
        assert sum(isinstance(result, StorageError) for result in results) == 1, results
        status = Backup.objects.get(pk=backup.pk).status
        assert status == ("restoring" if isinstance(results[0], Volume) else "deleting")
