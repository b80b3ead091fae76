"""Backups and restores by real workers that are killed, stopped or called off in the middle of it."""

import json
import random
import signal
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from backups import keys, repositories, targets
from backups.engine import marks
from backups.models import Backup
from backups.services.backups import create_backup
from backups.services.repositories import begin_collect
from backups.services.restores import restore_backup
from drivers.connect import open_connection
from drivers.types import Connector, ExportRequest, Fence
from storage_site.caller import SYSTEM
from storage_site.operations.calling_off import call_off
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.factories import VolumeFactory
from tests.waiting import until
from tests.workers.accepting import CALLER, QUEUE
from tests.workers.processes import Worker
from volumes import backends
from volumes.models import Attachment, Snapshot, Volume

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MIB = 1024**2
CHECKPOINT_MIB, RATE_MIB, DATA_MIB = 8, 3, 48
TARGET = "slow"


@pytest.fixture
def broker(request):
    """One broker is enough here: what the messages promise is tested elsewhere."""
    return request.getfixturevalue("valkey_lane")


@pytest.fixture
def backups(workers, folder, gates, settings):
    """Workers that know a slow target."""
    (folder / "target").mkdir()
    (gates / "open").touch()
    entries = {TARGET: {"driver": "posix", "path": str(folder / "target"), "max_mib_per_s": RATE_MIB}}
    settings.BACKUP_TARGETS, settings.BACKUP_KEY_FILE = entries, folder / "keys"
    settings.DATA_DIR = folder
    keys.make_file(folder / "keys")
    backends.driver("gated").check()
    targets.target.cache_clear()
    workers.environment |= {
        "CELINDER_BACKUP_TARGETS": json.dumps(entries),
        "CELINDER_BACKUP_KEY_FILE": str(folder / "keys"),
        "CELINDER_BACKUP_CHECKPOINT_MIB": str(CHECKPOINT_MIB),
    }
    yield workers
    backends.driver("gated").stop_exports()
    targets.target.cache_clear()


def ready(*workers: Worker) -> None:
    """Wait for several workers that start at once, on a machine that may be busy."""
    for worker in workers:
        until(lambda worker=worker: worker.is_ready, f"{worker.name} is ready", 90)


@contextmanager
def opened(volume: Volume):
    driver, attachment = backends.driver("gated"), str(uuid.uuid4())
    info = driver.export(volume.ref(), ExportRequest(attachment, Connector("h")), Fence(10**6, 1))
    with open_connection(info) as connection:
        yield connection
        connection.flush()
    driver.unexport(volume.ref(), attachment, Fence(10**6, 1))


def content(volume: Volume) -> dict[int, bytes]:
    """Return the MiBs of the volume that are not zeros."""
    found = {}
    with opened(volume) as connection:
        for extent in [one for one in connection.extents() if one.is_data]:
            for place in range(extent.offset // MIB, -(-(extent.offset + extent.length) // MIB)):
                found[place] = bytes(connection.pread(MIB, place * MIB))
    return {place: one for place, one in found.items() if any(one)}


def fill(volume: Volume, places, seed: int) -> None:
    with opened(volume) as connection:
        for place in places:
            connection.pwrite(random.Random(f"{seed}/{place}").randbytes(MIB), place * MIB)  # noqa: S311 - content only


def a_volume(name: str) -> Volume:
    volume = VolumeFactory(backend="gated", pool="gated", name=name)
    backends.driver("gated").create_volume(volume.ref(), Fence(0, 1))
    return volume


@pytest.fixture
def volume(backups) -> Volume:
    made = a_volume("source")
    fill(made, range(10, 10 + DATA_MIB), seed=1)
    return made


def stop_between_writes(worker: Worker) -> None:
    """Stop the worker while it does not hold the one lock that an SQLite file has, which would stop everybody."""

    def is_stopped() -> bool:
        worker.signal(signal.SIGSTOP)
        if can_write():
            return True
        worker.signal(signal.SIGCONT)
        until(can_write, "the worker has written", 60)
        return False

    until(is_stopped, "the worker is stopped", 120)


def can_write() -> bool:
    """Tell whether nobody holds the database for longer than a moment."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA busy_timeout = 500")
        Operation.objects.filter(pk=-1).update(step="")
    except OperationalError:
        return False
    finally:
        connection.close()
    return True


def operation_of(resource) -> Operation:
    return Operation.objects.filter(resource_id=resource.pk).first()


def has_ended(operation: Operation) -> bool:
    sweep()
    operation.refresh_from_db()
    return operation.is_finished


def all_done() -> bool:
    sweep()
    return not Operation.objects.filter(outcome="").exists()


def checkpoint_of(operation: Operation) -> dict:
    operation.refresh_from_db()
    return {name: value for name, value in operation.checkpoint.items() if name != "waits"}


def is_moving(operation: Operation) -> bool:
    """Tell whether a backup worker has reached a checkpoint."""
    assert not has_ended(operation), operation.fault_detail
    return operation.task.endswith((".back_up", ".restore")) and bool(checkpoint_of(operation))


def holder_of(operation: Operation, *workers):
    operation.refresh_from_db()
    holders = [worker for worker in workers if f"/{worker.process.pid}/" in operation.owner]
    return holders[0] if holders else None


def stored_mib(folder: Path) -> float:
    return sum(path.stat().st_size for path in (folder / "target").rglob("packs/*/*")) / MIB


def finished(backups, volume: Volume) -> Backup:
    """Return a backup of the volume, made by workers without a limit."""
    quick = dict(targets.table_of(TARGET)) | {"max_mib_per_s": 0}
    environment = {"CELINDER_BACKUP_TARGETS": json.dumps({TARGET: quick})}
    worker = backups.start("backup", "quick", **environment)
    made = create_backup(caller=CALLER, volume=volume)
    until(all_done, "the backup is made", 60)
    made.refresh_from_db()
    assert made.status == "available", made.fail_reason
    worker.signal(signal.SIGTERM)
    worker.process.wait(20)
    return made


def nothing_is_left(*volumes: Volume) -> None:
    until(all_done, "what follows is done", 60)
    driver = backends.driver("gated")
    assert [driver.exports(volume.ref()) for volume in volumes] == [frozenset()] * len(volumes)
    assert not Attachment.objects.exists()
    assert {ref.id for ref in driver.list_snapshots()} == set(map(str, Snapshot.objects.values_list("pk", flat=True)))


def a_restore(made: Backup, volume: Volume) -> Operation:
    made.refresh_from_db()
    restore_backup(caller=CALLER, backup=made, volume_id=str(volume.pk))
    return operation_of(volume)


def test_a_backup_whose_worker_is_killed_is_gone_on_with_by_another(backups, volume, folder):
    one, two, storage = (*(backups.start("backup", name) for name in ("one", "two")), backups.start(QUEUE, "storage"))
    ready(one, two, storage)
    made = create_backup(caller=CALLER, volume=volume)
    operation = operation_of(made)
    until(lambda: is_moving(operation), "a checkpoint is reached", 60)
    holder_of(operation, one, two).signal(signal.SIGKILL)
    until(lambda: has_ended(operation), "the other one has finished", 120)
    assert operation.outcome == "succeeded", operation.fault_detail
    # A pack or two may have been on their way beside what one checkpoint holds.
    assert stored_mib(folder) < DATA_MIB + CHECKPOINT_MIB + 2
    until(all_done, "what follows is done", 60)
    volume.refresh_from_db()
    made.refresh_from_db()
    assert (volume.status, made.status) == ("available", "available")
    nothing_is_left(volume)
    other = a_volume("other")
    fill(other, [0, 30, 500], seed=2)
    restoring = a_restore(made, other)
    until(lambda: has_ended(restoring), "it is restored", 120)
    assert content(other) == content(volume)


def test_a_restore_whose_worker_is_killed_is_gone_on_with_by_another(backups, volume):
    storage = backups.start(QUEUE, "storage")
    ready(storage)
    made = finished(backups, volume)
    other = a_volume("other")
    fill(other, [0, 30, 500], seed=2)
    one, two = (backups.start("backup", name) for name in ("one", "two"))
    ready(one, two)
    operation = a_restore(made, other)
    until(lambda: is_moving(operation), "a checkpoint is reached", 60)
    position = checkpoint_of(operation)["position"]
    assert 0 < position < (10 + DATA_MIB) * MIB
    holder_of(operation, one, two).signal(signal.SIGKILL)
    until(lambda: has_ended(operation), "the other one has finished", 120)
    assert operation.outcome == "succeeded", operation.fault_detail
    assert content(other) == content(volume)
    other.refresh_from_db()
    made.refresh_from_db()
    assert (other.status, made.status) == ("available", "available")
    nothing_is_left(volume, other)


def test_a_stopped_worker_that_goes_on_with_a_restore_writes_into_nothing(backups, volume):
    ready(backups.start(QUEUE, "storage"))
    made = finished(backups, volume)
    other = a_volume("other")
    one, two = (backups.start("backup", name) for name in ("one", "two"))
    ready(one, two)
    operation = a_restore(made, other)
    until(lambda: operation_runs(operation, "restore"), "a worker restores", 60)
    stopped = holder_of(operation, one, two)
    stop_between_writes(stopped)
    until(lambda: has_ended(operation), "the other one has finished", 120)
    assert operation.outcome == "succeeded", operation.fault_detail
    # The volume is used by its owner again.
    fill(other, range(10, 10 + DATA_MIB), seed=9)
    owned = content(other)
    stopped.signal(signal.SIGCONT)
    until(lambda: "claim lost" in stopped.log, "the stopped one has given up", 60)
    assert content(other) == owned
    nothing_is_left(volume, other)


def operation_runs(operation: Operation, task: str) -> bool:
    """Tell whether a worker is on this part of the work, and has told so."""
    sweep()
    operation.refresh_from_db()
    assert not operation.is_finished, operation.fault_detail
    return operation.task == f"backups.tasks.{task}" and bool(operation.owner) and operation.bytes_total > 0


def test_a_stopped_worker_that_goes_on_with_a_backup_damages_nothing(backups, volume):
    one, two, storage = (*(backups.start("backup", name) for name in ("one", "two")), backups.start(QUEUE, "storage"))
    ready(one, two, storage)
    made = create_backup(caller=CALLER, volume=volume)
    operation = operation_of(made)
    until(lambda: is_moving(operation), "a checkpoint is reached", 60)
    stopped = holder_of(operation, one, two)
    stop_between_writes(stopped)
    until(lambda: has_ended(operation), "the other one has finished", 120)
    stopped.signal(signal.SIGCONT)
    until(lambda: "claim lost" in stopped.log, "the stopped one has given up", 60)
    other = a_volume("other")
    restoring = a_restore(made, other)
    until(lambda: has_ended(restoring), "it is restored", 120)
    assert (restoring.outcome, content(other) == content(volume)) == ("succeeded", True)
    nothing_is_left(volume, other)


@pytest.mark.parametrize("call", ["create_snapshot", "after_create_snapshot"])
def test_a_volume_worker_that_is_killed_while_it_opens_the_source_is_replaced(backups, volume, gates, call):
    (gates / f"closed.{call}").touch()
    (gates / "open").unlink()
    storage = backups.start(QUEUE, "storage")
    ready(storage, backups.start("backup", "one"))
    made = create_backup(caller=CALLER, volume=volume)
    operation = operation_of(made)
    until((gates / f"{call}.1.entered").exists, "the worker has begun", 30)
    storage.signal(signal.SIGKILL)
    (gates / "open").touch()
    ready(backups.start(QUEUE, "another"))
    until(lambda: has_ended(operation), "it has ended", 120)
    assert operation.outcome == "succeeded", operation.fault_detail
    nothing_is_left(volume)


@pytest.mark.parametrize("call", ["export", "after_export", "unexport", "after_unexport"])
def test_a_volume_worker_that_is_killed_while_it_lends_or_takes_back_is_replaced(backups, volume, gates, call):
    storage = backups.start(QUEUE, "storage")
    ready(storage)
    made = finished(backups, volume)
    other = a_volume("other")
    (gates / f"closed.{call}").touch()
    (gates / "open").unlink()
    ready(backups.start("backup", "one"))
    operation = a_restore(made, other)
    until(lambda: sweep() >= 0 and list(gates.glob(f"{call}.*.entered")), "the worker has come to the gate", 60)
    storage.signal(signal.SIGKILL)
    (gates / "open").touch()
    ready(backups.start(QUEUE, "another"))
    until(lambda: has_ended(operation), "it has ended", 120)
    assert operation.outcome == "succeeded", operation.fault_detail
    assert content(other) == content(volume)
    nothing_is_left(volume, other)


def test_a_broker_that_goes_in_the_middle_of_a_restore_costs_time_only(backups, broker, volume):
    ready(backups.start(QUEUE, "storage"))
    made = finished(backups, volume)
    other = a_volume("other")
    ready(backups.start("backup", "one"))
    operation = a_restore(made, other)
    until(lambda: operation_runs(operation, "restore"), "a worker restores", 60)
    broker.kill()
    until(lambda: operation_at(operation, "close_target"), "the worker has restored without a broker", 60)
    broker.start()
    until(lambda: has_ended(operation), "it has ended", 120)
    assert (operation.outcome, content(other) == content(volume)) == ("succeeded", True)
    nothing_is_left(volume, other)


def operation_at(operation: Operation, task: str) -> bool:
    operation.refresh_from_db()
    return operation.task == f"backups.tasks.{task}"


def test_a_backup_that_is_called_off_stops_at_once_and_leaves_nothing(backups, volume, folder):
    ready(backups.start(QUEUE, "storage"), worker := backups.start("backup", "one"))
    made = create_backup(caller=CALLER, volume=volume)
    operation = operation_of(made)
    until(lambda: is_moving(operation), "a checkpoint is reached", 60)
    call_off(operation=operation, caller=CALLER)
    until(lambda: "claim lost" in worker.log, "the worker has stopped", 15)
    nothing_is_left(volume)
    made.refresh_from_db()
    assert (made.status, Snapshot.objects.count()) == ("error", 0)
    repository = repositories.open_repository(TARGET)[0]
    for _round in range(2):
        collecting = begin_collect(repository=repository, caller=SYSTEM)
        until(lambda one=collecting: has_ended(one), "it is collected", 60)
    store = repositories.open_store(TARGET, made.stored_in)
    assert list(marks.writers(store)) == []
    assert stored_mib(folder) == 0


def test_a_restore_that_is_called_off_stops_at_once_and_leaves_nothing_lent(backups, volume):
    ready(backups.start(QUEUE, "storage"))
    made = finished(backups, volume)
    other = a_volume("other")
    ready(worker := backups.start("backup", "one"))
    operation = a_restore(made, other)
    until(lambda: operation_runs(operation, "restore"), "a worker restores", 60)
    call_off(operation=operation, caller=CALLER)
    until(lambda: "claim lost" in worker.log, "the worker has stopped", 15)
    nothing_is_left(volume, other)
    made.refresh_from_db()
    other.refresh_from_db()
    assert (made.status, other.status) == ("available", "error_restoring")


def test_a_backup_worker_does_no_more_at_once_than_it_may(backups, volume):
    ready(backups.start(QUEUE, "storage"), backups.start("backup", "one", CELINDER_BACKUP_JOBS="1"))
    other = a_volume("other")
    fill(other, range(DATA_MIB), seed=2)
    operations = [operation_of(create_backup(caller=CALLER, volume=one)) for one in (volume, other)]
    most = 0

    def have_ended() -> bool:
        nonlocal most
        most = max(most, Operation.objects.filter(task="backups.tasks.back_up").exclude(owner="").count())
        return all(map(has_ended, operations))

    until(have_ended, "both are made", 120)
    assert ([operation.outcome for operation in operations], most) == (["succeeded"] * 2, 1)
