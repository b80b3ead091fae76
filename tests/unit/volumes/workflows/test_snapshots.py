"""Snapshots, and volumes made from snapshots and volumes, with a back-end that fails at the worst moments."""

import pytest
from carrying import carry_on, exists_on

from drivers.connect import open_connection
from drivers.errors import BackendDown, BackendFull, PermanentDriverError
from drivers.types import Connector, ExportRequest, Fence
from storage_site.errors import Conflict
from storage_site.operations.models import Operation
from tests.factories import SnapshotFactory, VolumeFactory
from volumes import quotas
from volumes.errors import (
    GigabytesExceeded,
    InvalidInput,
    InvalidSnapshot,
    InvalidSource,
    InvalidVolume,
    SnapshotLimitExceeded,
)
from volumes.models import Quota, Snapshot, Volume
from volumes.services.contents import revert_volume
from volumes.services.snapshots import create_snapshot, delete_snapshot
from volumes.services.volumes import create_volume, delete_volume
from volumes.sources import SnapshotSource, VolumeSource
from volumes.workflows import create, delete, snapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
ATTACHMENT = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def volume(first) -> Volume:
    made = VolumeFactory()
    first.inner.create_volume(made.ref(), Fence(0, 1))
    return made


def content(driver, volume: Volume, write: bytes = b"") -> bytes:
    """Return the first bytes of the volume, after writing some."""
    info = driver.inner.export(volume.ref(), ExportRequest(ATTACHMENT, Connector("h")), Fence(10**6, 1))
    with open_connection(info) as connection:
        if write:
            connection.pwrite(write, 0)
        found = bytes(connection.pread(8, 0))
    driver.inner.unexport(volume.ref(), ATTACHMENT, Fence(10**6, 1))
    return found


def waiting() -> Operation:
    return Operation.objects.get(outcome="")


def kept(volume, member) -> Snapshot:
    made = create_snapshot(caller=member, volume=volume)
    carry_on(waiting(), snapshot.create)
    made.refresh_from_db()
    return made


def made_from(member, first, source, size_gib=1) -> Volume:
    volume = create_volume(caller=member, size_gib=size_gib, source=source)
    operation = waiting()
    assert operation.arguments["pinned"] == {"backend": "mem1", "pool": "mem1"}
    Operation.objects.filter(pk=operation.pk).update(task="volumes.tasks.create_volume", queue="volume-mem1")
    Volume.objects.filter(pk=volume.pk).update(backend="mem1", pool="mem1")
    carry_on(operation, create.run)
    volume.refresh_from_db()
    return volume


def test_a_snapshot_keeps_what_the_volume_held(volume, member, first):
    content(first, volume, b"before")
    made = kept(volume, member)
    assert (made.status, made.size_gib) == ("available", 1)
    content(first, volume, b"after!")
    assert content(first, made_from(member, first, SnapshotSource(made))).startswith(b"before")
    assert content(first, made_from(member, first, VolumeSource(volume))).startswith(b"after!")


def test_a_volume_goes_back_to_its_newest_snapshot_and_no_other(volume, member, first):
    content(first, volume, b"oldest")
    older = kept(volume, member)
    content(first, volume, b"newest")
    newer = kept(volume, member)
    content(first, volume, b"lost!!")
    with pytest.raises(InvalidVolume):
        revert_volume(volume=volume, snapshot_id=older.pk, caller=member)
    revert_volume(volume=volume, snapshot_id=newer.pk, caller=member)
    assert (Volume.objects.get().status, Snapshot.objects.get(pk=newer.pk).status) == ("reverting", "restoring")
    with pytest.raises(InvalidSnapshot):
        delete_snapshot(snapshot=newer, caller=member)
    carry_on(waiting(), snapshot.revert)
    assert (Volume.objects.get().status, Snapshot.objects.get(pk=newer.pk).status) == ("available", "available")
    assert content(first, volume).startswith(b"newest")


def test_a_revert_that_fails_leaves_the_snapshot_usable(volume, member, first):
    made = kept(volume, member)
    first.refuse("revert_to_snapshot", PermanentDriverError("layer damaged"))
    revert_volume(volume=volume, snapshot_id=made.pk, caller=member)
    carry_on(waiting(), snapshot.revert)
    assert (Volume.objects.get().status, Snapshot.objects.get().status) == ("error", "available")


def test_what_is_not_available_is_not_reverted(volume, member):
    made = SnapshotFactory(volume=volume, status="error")
    with pytest.raises(Conflict):
        revert_volume(volume=volume, snapshot_id=made.pk, caller=member)
    assert not Operation.objects.exists()


def test_a_full_back_end_keeps_nothing_of_a_snapshot(volume, member, first):
    first.refuse("create_snapshot", BackendFull("no room"), after_acting=True)
    made = kept(volume, member)
    assert made.status == "error"
    assert list(first.inner.list_snapshots()) == []


def test_lost_answers_are_asked_for_again(volume, member, first):
    first.refuse("create_snapshot", BackendDown("the answer was lost"), times=1, after_acting=True)
    made = create_snapshot(caller=member, volume=volume)
    operation = carry_on(waiting(), snapshot.create)
    assert carry_on(operation, snapshot.create).outcome == "succeeded"
    first.refuse("delete_snapshot", BackendDown("the answer was lost"), times=1, after_acting=True)
    made.refresh_from_db()
    delete_snapshot(snapshot=made, caller=member)
    operation = carry_on(waiting(), snapshot.delete)
    assert carry_on(operation, snapshot.delete).outcome == "succeeded"
    assert not Snapshot.objects.exists()
    assert list(first.inner.list_snapshots()) == []


def test_a_volume_with_snapshots_is_deleted_only_together_with_them(volume, member, stranger, first):
    kept(volume, member)
    kept(volume, member)
    with pytest.raises(InvalidVolume):
        delete_volume(volume=volume, caller=member)
    with pytest.raises(InvalidVolume):
        delete_volume(volume=volume, caller=stranger, cascade=True)
    delete_volume(volume=volume, caller=member, cascade=True)
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"deleting"}
    carry_on(waiting(), delete.run)
    assert not Volume.objects.exists()
    assert not Snapshot.objects.exists()
    assert list(first.inner.list_snapshots()) == []
    assert not exists_on(first, volume)


def test_what_a_volume_is_being_made_from_does_not_go_before(volume, member):
    made = kept(volume, member)
    create_volume(caller=member, size_gib=1, source=SnapshotSource(made))
    with pytest.raises(InvalidSnapshot):
        delete_snapshot(snapshot=made, caller=member)
    with pytest.raises(InvalidVolume):
        delete_volume(volume=volume, caller=member, cascade=True)


def test_sources_that_are_too_large_or_not_ready_are_refused(volume, member):
    made = kept(volume, member)
    Snapshot.objects.update(size_gib=2)
    made.refresh_from_db()
    with pytest.raises(InvalidInput):
        create_volume(caller=member, size_gib=1, source=SnapshotSource(made))
    Snapshot.objects.update(status="error")
    with pytest.raises(InvalidSource):
        create_volume(caller=member, size_gib=2, source=SnapshotSource(made))
    Volume.objects.update(status="error")
    with pytest.raises(InvalidSource):
        create_volume(caller=member, size_gib=2, source=VolumeSource(volume))
    assert Volume.objects.count() == 1


def test_snapshots_count_by_number_and_by_size(volume, member):
    kept(volume, member)
    usage = quotas.usage_of(volume.project_id)
    assert (usage.volumes, usage.snapshots, usage.gigabytes) == (1, 1, 2)
    limit = Quota.objects.create(project_id=volume.project_id, resource="gigabytes", limit=2)
    with pytest.raises(GigabytesExceeded):
        create_snapshot(caller=member, volume=volume)
    limit.delete()
    Quota.objects.create(project_id=volume.project_id, resource="snapshots", limit=1)
    with pytest.raises(SnapshotLimitExceeded):
        create_snapshot(caller=member, volume=volume)


@pytest.mark.parametrize("status", ["creating", "error", "maintenance", "extending", "in-use"])
def test_a_volume_in_any_other_status_is_not_kept(volume, member, status):
    Volume.objects.update(status=status)
    with pytest.raises(InvalidVolume):
        create_snapshot(caller=member, volume=volume)
    assert not Snapshot.objects.exists()


def test_a_volume_in_use_is_kept_where_that_is_admitted(volume, member):
    Volume.objects.update(status="in-use")
    assert create_snapshot(caller=member, volume=volume, is_in_use_admitted=True).status == "creating"
