"""Several volumes of the local back-end are kept at one moment, also when workers die in between."""

import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from drivers.connect import open_connection
from drivers.volume.local import LocalDriver, holding
from tests.contracts.machine import daemons_of, eventually, needs_libnbd, needs_local, processes_naming, start_python
from tests.contracts.test_local_layers import layers_of, moments
from tests.contracts.volume_driver import FIRST, LAST, LATER, new_ref, new_request
from tests.contracts.volume_groups import WIDTH, VolumeGroupsContract, is_one_moment, number, written
from tests.contracts.volume_snapshots import get, new_snapshot

pytestmark = [needs_local, needs_libnbd, pytest.mark.slow]  # it starts many daemons

# A worker that does one call on several volumes and kills itself right before the step it is told.
WORKER = """
import json, os, signal, sys
from drivers.types import Fence, SnapshotRef, VolumeRef
from drivers.volume.local import LocalDriver
from drivers.volume.local.monitor import Monitor
root, call, moment, given = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
STEPS = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen", "socket.connect"}
volumes = [(one, VolumeRef(of, 1)) for one, of in given]
if call == "create_snapshots":
    made = [SnapshotRef(one, volume, 1) for one, volume in volumes]
else:
    made = [(VolumeRef(one, 1), volume) for one, volume in volumes]
driver, seen = LocalDriver.from_settings("local", {"path": root}), 0
def step(event="", _arguments=()):
    global seen
    if event in STEPS:
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)
def execute(self, command, _execute=Monitor.execute, **arguments):
    step("socket.connect")
    return _execute(self, command, **arguments)
Monitor.execute = execute
sys.addaudithook(step)
getattr(driver, call)(made, Fence(10, 1))
print(seen, flush=True)
"""


@pytest.fixture
def root():
    """Give a directory with a name short enough for sockets; nothing may still run in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)
        LocalDriver.from_settings("local", {"path": name}).stop_exports()
        eventually(lambda: not processes_naming(name), "the end of all processes")


@pytest.fixture
def driver(root):
    driver = LocalDriver.from_settings("local", {"driver": "local", "path": str(root)})
    driver.check()
    return driver


@pytest.fixture
def another(driver, root):
    return LocalDriver.from_settings("local", {"driver": "local", "path": str(root)})


@pytest.fixture
def refs(driver):
    refs = [new_ref() for _ in range(2)]
    for ref in refs:
        driver.create_volume(ref, FIRST)
    return refs


@pytest.fixture
def die_at(root):
    """Give a function that lets a worker die right before a step of a call, and tells whether it got that far."""

    def run(moment, call, pairs):
        given = json.dumps([[one.id, of.id] for one, of in pairs])
        worker = start_python(WORKER, str(root), call, str(moment), given, path=os.environ["PATH"])
        said = worker.communicate(timeout=60)[0]
        assert bool(said) == (worker.returncode == 0)
        return not said

    return run


class TestLocalGroups(VolumeGroupsContract):
    pass


def test_hosts_elsewhere_are_kept_waiting_as_well(root, refs):
    driver = LocalDriver.from_settings("local", {"path": str(root), "listen": "127.0.0.1"})
    driver.check()
    with written(driver, refs) as writer:
        for _ in range(3):
            snapshots = [new_snapshot(ref) for ref in refs]
            driver.create_snapshots(snapshots, FIRST)
            writer.await_more()
            numbers = [number(get(driver, it, 0, WIDTH)) for it in snapshots]
            assert is_one_moment(numbers), numbers


def test_a_worker_may_die_at_any_step_of_a_snapshot_of_written_volumes(driver, root, refs, die_at):
    with written(driver, refs) as writer:
        for moment in moments(5):
            snapshots = [new_snapshot(ref) for ref in refs]
            died = die_at(moment, "create_snapshots", list(zip(snapshots, refs, strict=True)))
            # Whoever looks after the exports lets the daemons go.
            assert all(driver.exports(ref) for ref in refs)
            before = writer.written
            eventually(lambda: writer.written > before + 2, "the writer going on")  # noqa: B023
            driver.create_snapshots(snapshots, LAST)
            numbers = [number(get(driver, it, 0, WIDTH)) for it in snapshots]
            assert is_one_moment(numbers), (moment, numbers)
            for snapshot in snapshots:
                driver.delete_snapshot(snapshot, LAST)
            if not died:
                break
    assert list(driver.list_snapshots()) == []
    assert not daemons_of(root)


def test_a_worker_may_die_at_any_step_of_clones_of_written_volumes(driver, refs, die_at):
    with written(driver, refs) as writer:
        for moment in moments(11):
            copies = [(new_ref(), ref) for ref in refs]
            died = die_at(moment, "clone_volumes", copies)
            assert all(driver.exports(ref) for ref in refs)
            before = writer.written
            eventually(lambda: writer.written > before + 2, "the writer going on")  # noqa: B023
            driver.clone_volumes(copies, LAST)
            numbers = [number(get(driver, it, 0, WIDTH)) for it, _source in copies]
            assert is_one_moment(numbers), (moment, numbers)
            for ref, _source in copies:
                driver.delete_volume(ref, LAST)
            if not died:
                break
    assert {it.id for it in driver.list_volumes()} == {ref.id for ref in refs}


def test_what_died_in_between_leaves_no_layers_behind_when_all_is_deleted(driver, root, refs, die_at):
    for moment in range(7, 60, 9):
        snapshots = [new_snapshot(ref) for ref in refs]
        die_at(moment, "create_snapshots", list(zip(snapshots, refs, strict=True)))
        for snapshot in snapshots:
            driver.delete_snapshot(snapshot, LAST)
    for ref in refs:
        driver.delete_volume(ref, LAST)
    assert layers_of(root) == []


def test_volumes_that_stay_held_go_on_by_themselves(driver, refs):
    """Nobody lets them go: whoever held them stands still for good."""
    requests = [new_request() for _ in refs]
    infos = [driver.export(ref, it, FIRST) for ref, it in zip(refs, requests, strict=True)]
    with open_connection(infos[0]) as connection:
        connection.pwrite(bytes(WIDTH), 0)
        daemon = driver._daemon(refs[0])
        with daemon.session() as monitor:
            holding._spend(monitor, daemon.server.socket(monitor))
            holding._join(monitor, holding._GROUP)
            began = time.monotonic()
            connection.pwrite(b"held", 0)
            held_s = time.monotonic() - began
            assert holding.HOLD_S - holding.MARGIN_S < held_s < holding.HOLD_S + 10
        assert driver.exports(refs[0]) == {requests[0].attachment_id}
        with daemon.session() as monitor:
            assert "hold" not in {it["name"] for it in monitor.execute("qom-list", path="/objects")}
        for _ in range(8):
            connection.pwrite(bytes(4 * WIDTH * 256), 0)  # at a rate that is not limited any more
    for ref, it in zip(refs, requests, strict=True):
        driver.unexport(ref, it.attachment_id, LATER)


def test_what_took_too_long_to_be_one_moment_is_not_taken_for_one(driver, refs, monkeypatch):
    monkeypatch.setattr(holding, "MARGIN_S", holding.HOLD_S)
    snapshots = [new_snapshot(ref) for ref in refs]
    with written(driver, refs) as writer:
        with pytest.raises(holding.BackendBusy):
            driver.create_snapshots(snapshots, FIRST)
        assert list(driver.list_snapshots()) == []
        writer.await_more()
        monkeypatch.undo()
        driver.create_snapshots(snapshots, FIRST)
        assert is_one_moment([number(get(driver, it, 0, WIDTH)) for it in snapshots])
