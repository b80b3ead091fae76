"""Another type or back-end for a volume that exists: from what was asked to bytes elsewhere, or to a reason."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone
from workers import told

from drivers import memory_pool
from drivers.connect import copying, open_connection
from drivers.errors import BackendDown, BackendFull, PermanentDriverError
from drivers.types import GIB, Connector, ExportRequest, Fence
from scheduling import algorithm
from scheduling.reports import REPORTS
from storage_site import queues
from storage_site.operations.admission import begin
from storage_site.operations.calling_off import call_off
from storage_site.operations.claims import claim
from storage_site.operations.errors import LeaseLost
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation, Service, Transition
from tests.factories import AttachmentFactory, SnapshotFactory, VolumeFactory, VolumeTypeFactory
from volumes import backends
from volumes.models import Attachment, Snapshot, Volume
from volumes.reporting import report_of
from volumes.services.moving import migrate_volume, retype_volume
from volumes.workflows import move

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
MIB = 1024**2
THERE = "celinder@mem2#mem2"
PIECES = {0: b"first", 5 * MIB: b"x" * 70000, 700 * MIB + 3: b"far out", GIB - 4: b"last"}


@pytest.fixture(autouse=True)
def fleet(settings):
    """Two back-ends, alive and reported; mem2 is the fast one."""
    settings.STORAGE_BACKENDS = {key: {"driver": "faulty", "size_gib": 10} for key in ("mem1", "mem2")}
    algorithm.configured.cache_clear()
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    told([report("mem1"), report("mem2", is_fast="yes")])
    yield
    algorithm.configured.cache_clear()


@pytest.fixture
def volume():
    made = VolumeFactory()
    backends.driver("mem1").inner.create_volume(made.ref(), Fence(0, 1))
    with written(made) as connection:
        for offset, content in PIECES.items():
            connection.pwrite(content, offset)
    backends.driver("mem1").inner.stop_exports()
    return made


@pytest.fixture
def fast():
    return VolumeTypeFactory(name="fast", extra_specs={"is_fast": "yes"})


def report(key, **numbers):
    made = report_of(key, backends.driver(key))
    made["pools"][0].update(numbers)
    return made


def written(volume):
    request = ExportRequest("c0ffee00-0000-4000-8000-000000000001", Connector("test"))
    return open_connection(backends.driver(volume.backend).inner.export(volume.ref(), request, Fence(0, 2)))


def work(until=lambda: False):
    """Carry out what waits, as workers would, until nothing does; what was put off at once."""
    for module in ("volumes.tasks", "scheduling.tasks"):
        current_app.loader.import_task_module(module)
    for _ in range(20):
        waiting = Operation.objects.filter(outcome="", owner="").order_by("serial").first()
        if waiting is None or until():
            return
        Operation.objects.filter(pk=waiting.pk).update(not_before=timezone.now())
        current_app.tasks[waiting.task].apply(kwargs={"operation_id": str(waiting.id)})


def stored():
    """Return which volumes each back-end has."""
    return {key: sorted(memory_pool.pool(key).volumes) for key in ("mem1", "mem2")}


def assert_holds_the_same(volume):
    with written(volume) as connection:
        for offset, content in PIECES.items():
            assert connection.pread(len(content), offset) == content
        data = [extent for extent in connection.extents() if extent.is_data]
    assert sum(extent.length for extent in data) < MIB


def assert_nothing_is_left():
    assert not Attachment.objects.exists()
    assert Volume.objects.count() == 1
    assert not Operation.objects.filter(outcome="").exists()
    for key in ("mem1", "mem2"):
        assert not any(one.exports for one in memory_pool.pool(key).volumes.values())


def assert_it_has_moved(volume):
    volume.refresh_from_db()
    assert (volume.backend, volume.pool, volume.status) == ("mem2", "mem2", "available")
    assert volume.migration_status == "success"
    assert stored() == {"mem1": [], "mem2": [str(volume.name_id)]}
    assert_holds_the_same(volume)
    backends.driver("mem2").inner.stop_exports()
    assert_nothing_is_left()


def assert_it_has_stayed(volume, migration_status="error"):
    volume.refresh_from_db()
    assert (volume.backend, volume.status, volume.retyping_to) == ("mem1", "available", None)
    assert (volume.name_id, volume.migration_status) == (None, migration_status)
    assert stored() == {"mem1": [str(volume.pk)], "mem2": []}
    assert_holds_the_same(volume)
    backends.driver("mem1").inner.stop_exports()
    assert_nothing_is_left()


# --- another type --------------------------------------------------------------------------------------------------


def test_a_type_that_the_back_end_serves_is_given_where_the_volume_is(volume, member):
    wanted = VolumeTypeFactory(extra_specs={"multiattach": "<is> True", "thin_provisioning_support": "<is> True"})
    retype_volume(volume=volume, volume_type=wanted, may_move=True, caller=member)
    work()
    volume.refresh_from_db()
    assert (volume.volume_type, volume.is_multiattach) == (wanted, True)
    assert_it_has_stayed(volume, migration_status=None)
    assert Operation.objects.get().outcome == "succeeded"


def test_a_volume_in_use_gets_its_type_and_shows_what_its_attachments_have_come_to(volume, member):
    attachment = AttachmentFactory(volume=volume, status="attached")
    Volume.objects.update(status="in-use")
    wanted = VolumeTypeFactory()
    retype_volume(volume=volume, volume_type=wanted, may_move=False, caller=member)
    attachment.delete()
    work()
    volume.refresh_from_db()
    assert (volume.status, volume.volume_type) == ("available", wanted)


def test_a_type_that_needs_a_move_is_refused_where_none_may_be_made(volume, member, fast):
    before = volume.volume_type
    retype_volume(volume=volume, volume_type=fast, may_move=False, caller=member)
    work()
    operation = Operation.objects.get()
    assert (operation.outcome, operation.fault_code) == ("failed", "no-valid-backend")
    assert "mem1: the type asks for is_fast 'yes', which the pool does not report" in operation.fault_detail
    assert_it_has_stayed(volume, migration_status=None)
    assert volume.volume_type == before


def test_a_type_that_needs_a_move_has_the_volume_moved_on_demand(volume, member, fast):
    retype_volume(volume=volume, volume_type=fast, may_move=True, caller=member)
    work()
    assert_it_has_moved(volume)
    assert (volume.volume_type, volume.retyping_to) == (fast, None)
    operation = Operation.objects.get(verb="retype")
    assert (operation.percent, operation.bytes_done, operation.bytes_total) == (100, GIB, GIB)
    assert [one["backend"] for one in operation.decision["candidates"]] == ["mem2"]
    edges = Transition.objects.filter(resource_id=volume.pk).order_by("id").values_list("from_status", "to_status")
    assert list(edges) == [("available", "retyping"), ("retyping", "available")]


def test_a_type_that_nobody_serves_leaves_the_volume_as_it_was(volume, member):
    wanted = VolumeTypeFactory(extra_specs={"is_golden": "yes"})
    retype_volume(volume=volume, volume_type=wanted, may_move=True, caller=member)
    work()
    assert Operation.objects.get().fault_code == "no-valid-backend"
    assert_it_has_stayed(volume, migration_status=None)


@pytest.mark.parametrize("in_the_way", ["snapshot", "attachment"])
def test_a_volume_that_cannot_be_moved_keeps_its_type(volume, member, fast, in_the_way):
    if in_the_way == "snapshot":
        SnapshotFactory(volume=volume)
    else:
        AttachmentFactory(volume=volume, status="attached")
        Volume.objects.update(status="in-use")
    retype_volume(volume=volume, volume_type=fast, may_move=True, caller=member)
    work()
    operation, before = Operation.objects.get(), "available" if in_the_way == "snapshot" else "in-use"
    volume.refresh_from_db()
    assert (operation.outcome, operation.fault_code) == ("failed", "volume-cannot-move")
    assert (volume.backend, volume.status, volume.retyping_to) == ("mem1", before, None)


def test_a_volume_whose_back_end_has_not_reported_yet_is_not_moved_for_that(volume, member):
    REPORTS.forget()
    told([report("mem2")])
    retype_volume(volume=volume, volume_type=VolumeTypeFactory(), may_move=True, caller=member)
    work(until=lambda: Operation.objects.filter(fault_code="backend-down").exists())
    told([report("mem1")])
    work()
    assert_it_has_stayed(volume, migration_status=None)


def test_a_volume_is_moved_off_a_service_that_is_disabled(volume, member):
    Service.objects.filter(backend="mem1").update(is_disabled=True)
    retype_volume(volume=volume, volume_type=VolumeTypeFactory(), may_move=True, caller=member)
    work()
    assert_it_has_moved(volume)


# --- another back-end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_volume_is_moved_where_it_is_wanted(volume, admin, is_locked):
    migrate_volume(volume=volume, host=THERE, is_locked=is_locked, caller=admin)
    work()
    assert_it_has_moved(volume)


def test_a_volume_is_moved_back_before_its_old_storage_is_gone(volume, admin):
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work(until=lambda: Operation.objects.filter(verb="force_delete").exists())
    volume.refresh_from_db()
    migrate_volume(volume=volume, host="celinder@mem1#mem1", caller=admin)
    work(until=lambda: Operation.objects.filter(verb="migrate", outcome="").count() == 0)
    work()
    volume.refresh_from_db()
    assert (volume.backend, volume.migration_status) == ("mem1", "success")
    assert stored() == {"mem1": [str(volume.name_id)], "mem2": []}
    assert_holds_the_same(volume)


def test_a_pool_that_does_not_serve_the_type_ends_the_migration_in_error(volume, admin):
    wanted = VolumeTypeFactory(extra_specs={"is_golden": "yes"})
    Volume.objects.update(volume_type=wanted)
    migrate_volume(volume=volume, host=THERE, is_locked=True, caller=admin)
    work()
    assert Operation.objects.get().fault_code == "no-valid-backend"
    assert_it_has_stayed(volume)


def test_a_pool_that_there_is_not_ends_the_migration_in_error(volume, admin):
    migrate_volume(volume=volume, host="celinder@mem2#nope", caller=admin)
    work()
    assert_it_has_stayed(volume)


def test_a_volume_whose_move_was_just_called_off_is_moved_again_at_once(volume, admin, monkeypatch):
    stop_in(monkeypatch, 300 * MIB, lambda: call_off(operation=Operation.objects.get(verb="migrate"), caller=admin))
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work(until=lambda: Operation.objects.filter(outcome="cancelled").exists())
    assert Attachment.objects.filter(volume=volume, status="detaching").exists()
    migrate_volume(volume=volume, host=THERE, caller=admin)
    waiting = Operation.objects.get(verb="disconnect")
    Operation.objects.filter(pk=waiting.pk).update(owner="held", lease_until=timezone.now() + timedelta(hours=1))
    work()
    Operation.objects.filter(pk=waiting.pk, outcome="").update(owner="", lease_until=None)
    work()
    assert_it_has_moved(volume)


def test_a_base_of_backups_goes_with_the_old_storage(volume, admin):
    base = SnapshotFactory(volume=volume, is_listed=False, consumes_quota=False)
    backends.driver("mem1").inner.create_snapshot(base.ref(), Fence(0, 1))
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert_it_has_moved(volume)
    assert not Snapshot.objects.exists()
    assert memory_pool.pool("mem1").snapshots == {}


@pytest.mark.parametrize("error", [BackendFull("0 GiB left"), PermanentDriverError("broken")])
@pytest.mark.parametrize("after_acting", [False, True])
def test_a_target_that_cannot_have_it_leaves_the_volume_where_it_is(volume, admin, error, after_acting):
    backends.driver("mem2").refuse("create_volume", error, after_acting=after_acting)
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert Operation.objects.get(verb="migrate").fault_code == error.code
    assert_it_has_stayed(volume)


@pytest.mark.parametrize(
    ("key", "call"), [("mem1", "export"), ("mem2", "create_volume"), ("mem2", "export"), ("mem2", "unexport")]
)
@pytest.mark.parametrize("after_acting", [False, True])
def test_a_call_that_fails_once_is_gone_on_with(volume, admin, key, call, after_acting):
    backends.driver(key).refuse(call, BackendDown("not now"), times=1, after_acting=after_acting)
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert_it_has_moved(volume)


def test_an_old_storage_that_cannot_be_removed_is_not_lost_from_sight(volume, admin):
    backends.driver("mem1").refuse("delete_volume", PermanentDriverError("broken"))
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    left = Volume.objects.exclude(pk=volume.pk).get()
    assert (left.status, left.migration_status, left.backend) == ("error_deleting", "deleting", "mem1")
    assert left.stored_as == volume.pk
    backends.driver("mem1").heal()
    with transaction.atomic():
        begin(left, "force_delete", caller=admin)
    work()
    assert_it_has_moved(volume)


def stop_in(monkeypatch, position, action):
    """Have `action` happen when a copy has come to `position`."""
    tell = move._Teller.tell

    def told_so(teller, reached):
        if reached.position >= position:
            monkeypatch.setattr(move._Teller, "tell", tell)
            action()
        return tell(teller, reached)

    monkeypatch.setattr(move._Teller, "tell", told_so)


def test_a_copy_whose_worker_was_overtaken_changes_nothing_more_and_is_gone_on_with(volume, admin, monkeypatch):
    def overtaken():
        Operation.objects.filter(verb="migrate").update(lease_until=timezone.now() - timedelta(seconds=60))
        operation = Operation.objects.get(verb="migrate")
        assert claim(str(operation.id), task=operation.task) is not None
        Operation.objects.filter(verb="migrate").update(owner="", lease_until=None)

    stop_in(monkeypatch, 300 * MIB, overtaken)
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert_it_has_moved(volume)


def test_a_copy_goes_on_from_its_checkpoint(volume, admin, monkeypatch, settings):
    settings.MOVE_CHECKPOINT_S = 0

    def fails():
        raise BackendDown("not now")

    stop_in(monkeypatch, 600 * MIB, fails)
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work(until=lambda: Operation.objects.filter(fault_code="backend-down").exists())
    assert 500 * MIB < Operation.objects.get(verb="migrate").checkpoint["position"] < 650 * MIB
    work()
    assert_it_has_moved(volume)


@pytest.mark.parametrize("kind", ["retype", "migrate"])
def test_a_copy_that_is_called_off_leaves_nothing(volume, admin, fast, monkeypatch, kind):
    def called_off():
        call_off(operation=Operation.objects.get(verb=kind), caller=admin)

    stop_in(monkeypatch, 300 * MIB, called_off)
    if kind == "retype":
        retype_volume(volume=volume, volume_type=fast, may_move=True, caller=admin)
    else:
        migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert Operation.objects.get(verb=kind).outcome == "cancelled"
    assert_it_has_stayed(volume)


def test_a_copy_that_is_not_what_was_written_is_not_used(volume, admin, monkeypatch):
    def spoiled():
        pool = memory_pool.pool("mem2")
        next(iter(pool.volumes.values())).content.write(memoryview(b"spoiled"), 5 * MIB)

    job = copying._Job
    prove = job._prove

    def after_spoiling(self, piece, digest):
        spoiled()
        prove(self, piece, digest)

    monkeypatch.setattr(job, "_prove", after_spoiling)
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work()
    assert Operation.objects.get(verb="migrate").fault_code == "copy-differs"
    assert_it_has_stayed(volume)


def test_a_worker_moves_only_so_many_at_once(volume, admin, settings):
    with ExitStack() as others:
        for _other in range(settings.MOVE_JOBS):
            assert others.enter_context(move._jobs.one(None))
        migrate_volume(volume=volume, host=THERE, caller=admin)
        work(until=lambda: Operation.objects.filter(fault_code="backend-busy").exists())
    work()
    assert_it_has_moved(volume)


def test_a_lost_claim_cannot_write_to_the_new_storage(volume, admin):
    migrate_volume(volume=volume, host=THERE, caller=admin)
    work(until=lambda: Operation.objects.filter(task=move.COPY).exists())
    operation = Operation.objects.get(task=move.COPY)
    held = claim(str(operation.id), task=operation.task)
    Operation.objects.filter(pk=operation.pk).update(owner="", lease_until=None, fence=operation.fence + 5)
    with pytest.raises(LeaseLost):
        move.copy(held, Volume.objects.get(pk=volume.pk))
    work()
    assert_it_has_moved(volume)
