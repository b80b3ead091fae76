"""Accepting a backup: what is looked at, and what is written."""

from datetime import timedelta

import pytest

from backups.errors import BackupLimitExceeded, BackupSizeExceeded, InvalidBackup, NoBackupService
from backups.models import Backup
from backups.services.backups import create_backup
from storage_site.errors import InvalidRequest, StorageError
from storage_site.operations.models import Operation, Transition
from tests.factories import PROJECT, BackupFactory, SnapshotFactory, VolumeFactory
from volumes.errors import InvalidSnapshot, InvalidVolume
from volumes.models import Quota, Snapshot, Volume

pytestmark = pytest.mark.django_db
MUST_BE = "Invalid volume: Volume to be backed up must be available or in-use, but the current status is"
TARGETS = {
    "near": {"driver": "memory"},
    "far": {"driver": "memory", "zone": "attic"},
    "farther": {"driver": "memory", "zone": "attic"},
}


@pytest.fixture(autouse=True)
def several_targets(settings):
    settings.BACKUP_TARGETS, settings.BACKUP_DEFAULT_TARGET = TARGETS, ""


def test_a_snapshot_for_the_backup_alone_is_to_be_taken(member):
    volume = VolumeFactory(size_gib=3, metadata={"k": "v"}, is_bootable=True)
    backup = create_backup(caller=member, volume=volume, name="b", metadata={"m": "1"})
    source = Snapshot.objects.get()
    backup.refresh_from_db()
    assert (source.status, source.is_listed, source.consumes_quota, source.size_gib) == ("creating", False, False, 3)
    assert (backup.status, backup.size_gib, backup.source_snapshot_id) == ("creating", 3, source.pk)
    assert (backup.snapshot_id, backup.data_timestamp) == (None, backup.created_at)
    assert (backup.name, backup.description, backup.metadata) == ("b", None, {"m": "1"})
    assert (backup.target, backup.container, backup.availability_zone) == ("near", "near", "nova")
    assert (backup.project_id, backup.user_id, backup.stored_in) == (member.project_id, member.user_id, PROJECT)
    assert Volume.objects.get().status == "backing-up"
    operation = Operation.objects.get()
    assert (operation.verb, operation.queue, operation.task) == ("create", "volume-mem1", "backups.tasks.open_source")
    assert backup.volume_properties == {
        "name": volume.name,
        "description": None,
        "metadata": {"k": "v"},
        "image_metadata": {},
        "bootable": True,
        "volume_type": "__DEFAULT__",
        "size": 3,
    }


def test_the_client_s_snapshot_is_read_and_its_volume_not_looked_at(member):
    snapshot = SnapshotFactory(volume__status="in-use", volume__size_gib=2, size_gib=1)
    backup = create_backup(caller=member, volume=snapshot.volume, snapshot=snapshot)
    snapshot.refresh_from_db()
    assert (backup.snapshot_id, backup.source_snapshot_id, backup.size_gib) == (snapshot.pk, snapshot.pk, 1)
    assert backup.data_timestamp == snapshot.created_at
    assert (snapshot.status, snapshot.volume.status, Snapshot.objects.count()) == ("backing-up", "in-use", 1)


@pytest.mark.parametrize(
    ("status", "is_in_use_admitted", "text"),
    [
        ("in-use", False, "Invalid volume: Backing up an in-use volume must use the force flag."),
        *[
            (
                status,
                True,
                f'{MUST_BE} "{status}".',
            )
            for status in ("creating", "error", "backing-up", "restoring-backup", "deleting", "reserved")
        ],
    ],
)
def test_a_volume_in_another_status_is_refused_and_nothing_stays(member, status, is_in_use_admitted, text):
    volume = VolumeFactory(status=status)
    with pytest.raises(InvalidVolume) as refused:
        create_backup(caller=member, volume=volume, is_in_use_admitted=is_in_use_admitted)
    assert refused.value.message == text
    assert [model.objects.count() for model in (Backup, Snapshot, Operation)] == [0, 0, 0]


def test_a_volume_in_use_is_backed_up_where_that_is_admitted(member):
    create_backup(caller=member, volume=VolumeFactory(status="in-use"), is_in_use_admitted=True)
    assert Volume.objects.get().status == "backing-up"


def test_a_volume_that_was_attached_since_it_was_read_needs_to_be_admitted_too(member):
    volume = VolumeFactory()
    Volume.objects.update(status="in-use")
    with pytest.raises(InvalidVolume):
        create_backup(caller=member, volume=volume)


def test_a_volume_that_grew_since_it_was_read_is_not_backed_up_at_its_old_size(member):
    volume = VolumeFactory()
    Volume.objects.update(size_gib=2)
    with pytest.raises(InvalidVolume):
        create_backup(caller=member, volume=volume)


def test_a_volume_that_was_never_placed_has_nothing_to_back_up(member):
    with pytest.raises(InvalidVolume):
        create_backup(caller=member, volume=VolumeFactory(backend=""))


@pytest.mark.parametrize("status", ["creating", "backing-up", "deleting", "error", "restoring"])
def test_a_snapshot_in_another_status_is_refused(member, status):
    snapshot = SnapshotFactory(status=status)
    with pytest.raises(InvalidSnapshot, match=f'must be available, but the current status is "{status}"'):
        create_backup(caller=member, volume=snapshot.volume, snapshot=snapshot)


def test_a_snapshot_of_another_volume_is_refused_whatever_its_status(member):
    with pytest.raises(InvalidVolume):
        create_backup(caller=member, volume=VolumeFactory(), snapshot=SnapshotFactory(status="error"))


@pytest.mark.parametrize(
    ("resource", "limit", "error"),
    [("backups", 1, BackupLimitExceeded), ("backup_gigabytes", 2, BackupSizeExceeded)],
)
def test_quotas_hold_and_increments_count_with_their_whole_size(member, resource, limit, error):
    volume = VolumeFactory(size_gib=2)
    Quota.objects.create(project_id=PROJECT, resource=resource, limit=limit)
    BackupFactory(volume=volume, size_gib=1, target="near")
    with pytest.raises(error):
        create_backup(caller=member, volume=volume, is_incremental=True)
    assert Volume.objects.get().status == "available"
    Quota.objects.update(limit=limit + 1)
    create_backup(caller=member, volume=volume, is_incremental=True)


def test_the_quota_is_looked_at_before_the_parent(member):
    Quota.objects.create(project_id=PROJECT, resource="backups", limit=0)
    with pytest.raises(BackupLimitExceeded):
        create_backup(caller=member, volume=VolumeFactory(), is_incremental=True)


# --- where to ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "asked", "chosen"),
    [
        ("", (None, None), ("near", "near", "nova")),
        ("far", (None, None), ("far", "far", "attic")),
        ("", ("own", None), ("near", "own", "nova")),
        ("", ("far", None), ("far", "far", "attic")),
        ("", (None, "attic"), ("far", "far", "attic")),
        ("farther", (None, "attic"), ("farther", "farther", "attic")),
        ("farther", (None, "nova"), ("near", "near", "nova")),
        ("", ("farther", "attic"), ("farther", "farther", "attic")),
        ("", ("own", "attic"), ("far", "own", "attic")),
    ],
)
def test_the_target_is_the_one_named_else_the_default_of_the_zone(member, settings, default, asked, chosen):
    settings.BACKUP_DEFAULT_TARGET = default
    container, zone = asked
    made = create_backup(caller=member, volume=VolumeFactory(), container=container, availability_zone=zone)
    assert (made.target, made.container, made.availability_zone) == chosen


@pytest.mark.parametrize(("container", "zone"), [(None, "cellar"), ("near", "attic")])
def test_a_zone_without_that_target_is_refused(member, container, zone):
    with pytest.raises(InvalidRequest, match="is invalid"):
        create_backup(caller=member, volume=VolumeFactory(), container=container, availability_zone=zone)


def test_without_any_target_there_is_no_service(member, settings):
    settings.BACKUP_TARGETS = {}
    with pytest.raises(NoBackupService) as refused:
        create_backup(caller=member, volume=VolumeFactory())
    assert refused.value.http_status == 503


# --- parents -------------------------------------------------------------------------------------------------


def test_the_parent_is_the_newest_backup_that_can_be_stood_on(member):
    volume = VolumeFactory()
    made = [BackupFactory(volume=volume, target="near") for _ in range(2)]
    for wrong in (
        {"status": "error"},
        {"status": "restoring"},
        {"is_damaged": True},
        {"project_id": "b" * 32},
        {"stored_in": "b" * 32},
        {"target": "far"},
        {"digest": None},
        {"volume": VolumeFactory()},
    ):
        BackupFactory(**{"volume": volume, "target": "near", **wrong})
    backup = create_backup(caller=member, volume=volume, is_incremental=True)
    assert (backup.parent_id, backup.is_incremental) == (made[1].pk, True)


def test_the_newest_is_that_with_the_newest_data(member):
    volume = VolumeFactory()
    older, newer = (BackupFactory(volume=volume, target="near") for _ in range(2))
    Backup.objects.filter(pk=newer.pk).update(data_timestamp=older.data_timestamp - timedelta(days=1))
    assert create_backup(caller=member, volume=volume, is_incremental=True).parent_id == older.pk


def test_the_parent_of_a_snapshot_s_backup_holds_older_data(member):
    snapshot = SnapshotFactory()
    moments = [snapshot.created_at + timedelta(minutes=minutes) for minutes in (-2, -1, 0, 1)]
    made = [BackupFactory(volume=snapshot.volume, target="near", data_timestamp=moment) for moment in moments]
    backup = create_backup(caller=member, volume=snapshot.volume, snapshot=snapshot, is_incremental=True)
    assert backup.parent_id == made[1].pk


def test_without_a_parent_an_increment_is_refused(member):
    with pytest.raises(InvalidBackup, match=r"^Invalid backup: No backups available to do an incremental backup\.$"):
        create_backup(caller=member, volume=VolumeFactory(), is_incremental=True)
    assert Volume.objects.get().status == "available"


def test_a_full_backup_has_no_parent(member):
    volume = BackupFactory.create(target="near").volume_id
    assert create_backup(caller=member, volume=Volume.objects.get(pk=volume)).parent_id is None


def test_every_edge_is_written_down(member):
    create_backup(caller=member, volume=VolumeFactory())
    edges = set(Transition.objects.values_list("resource_type", "verb", "to_status"))
    assert edges == {
        ("volumes.volume", "begin_backup", "backing-up"),
        ("volumes.snapshot", "begin_source", "creating"),
        ("backups.backup", "create", "creating"),
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
class TestAtOnce:
    """What meets when many ask at once."""

    def test_of_several_backups_of_one_volume_one_is_accepted(self, member, default_type):
        from tests.unit.storage_site.operations.conftest import at_once

        volume = VolumeFactory()
        results = at_once(*[lambda: create_backup(caller=member, volume=Volume.objects.get(pk=volume.pk))] * 4)
        assert sum(isinstance(result, InvalidVolume) for result in results) == 3
        assert (Backup.objects.count(), Snapshot.objects.count()) == (1, 1)

    def test_no_more_are_accepted_than_the_quota_allows(self, member, default_type):
        from tests.unit.storage_site.operations.conftest import at_once

        Quota.objects.create(project_id=PROJECT, resource="backups", limit=2)
        volumes = VolumeFactory.create_batch(5)
        results = at_once(*[lambda each=each: create_backup(caller=member, volume=each) for each in volumes])
        assert sum(isinstance(result, BackupLimitExceeded) for result in results) == 3
        assert Backup.objects.count() == 2
        assert Volume.objects.filter(status="backing-up").count() == 2

    def test_a_volume_is_either_deleted_or_backed_up(self, member, default_type):
        from tests.unit.storage_site.operations.conftest import at_once
        from volumes.services.volumes import delete_volume

        for _round in range(5):
            volume = VolumeFactory()
            copies = [Volume.objects.get(pk=volume.pk) for _ in range(2)]
            results = at_once(
                lambda copies=copies: create_backup(caller=member, volume=copies[0]),
                lambda copies=copies: delete_volume(volume=copies[1], caller=member),
            )
            assert sum(isinstance(result, StorageError) for result in results) == 1, results
            is_backed_up = Backup.objects.filter(volume_id=volume.pk).exists()
            assert Volume.objects.get(pk=volume.pk).status == ("backing-up" if is_backed_up else "deleting")
            assert Snapshot.objects.filter(volume=volume).exists() == is_backed_up
