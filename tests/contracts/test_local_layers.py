"""Layers of the local back-end keep the contract, also when workers die between any two steps."""

import itertools
import json
import os
import subprocess
import tempfile
import threading
import uuid
from pathlib import Path

import nbd
import pytest

from drivers.connect import open_connection
from drivers.errors import BackendDown
from drivers.types import GIB, VolumeRef
from drivers.volume.local import LocalDriver
from tests.contracts.machine import daemons_of, eventually, needs_libnbd, needs_local, processes_naming, start_python
from tests.contracts.volume_driver import FIRST, LAST, LATER, new_ref, new_request, text_at, write_at
from tests.contracts.volume_snapshots import MIB, VolumeSnapshotsContract, get, keep, new_snapshot, put

pytestmark = [needs_local, needs_libnbd, pytest.mark.slow]  # it starts many daemons

# A worker that does one call and kills itself right before the step it is told: a change of a name, a program, a
# connection or a command to a daemon. It prints how many steps there were, if it comes to the end.
WORKER = """
import json, os, signal, sys
from drivers.types import Fence, SnapshotRef, VolumeRef
from drivers.volume.local import LocalDriver
from drivers.volume.local.monitor import Monitor
root, call, moment, *given = sys.argv[1], sys.argv[2], int(sys.argv[3]), *json.loads(sys.argv[4])
STEPS = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen", "socket.connect"}
made = [VolumeRef(it[0], 1) if len(it) == 1 else SnapshotRef(it[0], VolumeRef(it[1], 1), 1) for it in given]
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
getattr(driver, call)(*made, Fence(10, 1))
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
def ref(driver):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    return ref


@pytest.fixture
def die_at(root):
    """Give a function that lets a worker die right before a step of a call, and tells whether it got that far."""

    def run(moment, call, *things):
        given = [[it.id] if isinstance(it, VolumeRef) else [it.id, it.volume.id] for it in things]
        worker = start_python(WORKER, str(root), call, str(moment), json.dumps(given), path=os.environ["PATH"])
        said = worker.communicate(timeout=30)[0]
        assert bool(said) == (worker.returncode == 0)
        return not said

    return run


EVERY = int(os.environ.get("CELINDER_TEST_EVERY_STEP", "0")) or 17
"""Which steps of a call a worker dies at: some, others in each test, and the end; all of them if set to 1."""


def moments(start):
    return itertools.count(1 + start % EVERY, EVERY)


def layers_of(root):
    return list(root.glob("layers/*/*.layer"))


class TestLocalSnapshots(VolumeSnapshotsContract):
    pass


# --- workers that die


def test_a_worker_may_die_at_any_step_of_a_live_snapshot(driver, root, ref, die_at):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    for moment in moments(8):
        state = b"%08d" % moment
        write_at(info, 0, state)
        snapshot = new_snapshot(ref)
        died = die_at(moment, "create_snapshot", snapshot)
        was_made = snapshot in driver.list_snapshots()
        write_at(info, 0, b"overtook")
        driver.create_snapshot(snapshot, LATER)
        write_at(info, 0, b"afterall")
        assert get(driver, snapshot, 0, 8) == (state if was_made else b"overtook")
        (daemon,) = daemons_of(root)
        daemon.kill()
        assert driver.export(ref, request, FIRST) == info
        assert text_at(info, 0, 8) == b"afterall"
        driver.delete_snapshot(snapshot, LATER)
        if not died:
            break


def test_a_daemon_may_die_together_with_the_worker_that_takes_a_snapshot(driver, root, ref, die_at):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    for moment in moments(12):
        state = b"%08d" % moment
        write_at(info, 0, state)
        snapshot = new_snapshot(ref)
        died = die_at(moment, "create_snapshot", snapshot)
        for daemon in daemons_of(root):
            daemon.kill()
        driver.export(ref, request, FIRST)
        assert text_at(info, 0, 8) == state
        driver.create_snapshot(snapshot, LATER)
        write_at(info, 0, b"afterall")
        assert get(driver, snapshot, 0, 8) == state
        driver.delete_snapshot(snapshot, LATER)
        if not died:
            break


@pytest.mark.parametrize("is_live", [True, False])
def test_a_worker_may_die_at_any_step_of_a_clone_and_what_it_left_can_be_deleted(driver, root, ref, die_at, is_live):
    put(driver, ref, 0, b"common")
    if is_live:
        driver.export(ref, new_request(), FIRST)
    for moment in moments(5 + is_live):
        clone, given_up = new_ref(), new_ref()
        die_at(moment, "clone_volume", given_up, ref)
        died = die_at(moment, "clone_volume", clone, ref)
        driver.delete_volume(given_up, LATER)
        driver.clone_volume(clone, ref, LATER)
        assert get(driver, clone, 0, 6) == get(driver, ref, 0, 6) == b"common"
        driver.delete_volume(clone, LAST)
        if not died:
            break
    assert [path.name for path in (root / "layers").iterdir()] == [ref.name]
    assert list(driver.list_volumes()) == [ref]


def test_a_worker_may_die_at_any_step_of_a_revert(driver, root, ref, die_at):
    put(driver, ref, 0, b"before")
    snapshot = keep(driver, ref)
    for moment in moments(10):
        put(driver, ref, 0, b"after!")
        died = die_at(moment, "revert_to_snapshot", ref, snapshot)
        assert get(driver, ref, 0, 6) in {b"before", b"after!"}
        driver.revert_to_snapshot(ref, snapshot, FIRST)
        assert get(driver, ref, 0, 6) == get(driver, snapshot, 0, 6) == b"before"
        assert len(layers_of(root)) == 3
        if not died:
            break


@pytest.mark.parametrize("is_live", [True, False])
def test_a_worker_may_die_at_any_step_of_deleting_a_snapshot(driver, root, ref, die_at, is_live):
    for moment in moments(7 + is_live):
        snapshots = []
        for number in range(3):
            put(driver, ref, number * MIB, b"%04d" % moment)
            snapshots.append(keep(driver, ref))
        put(driver, ref, 0, b"last")
        request = new_request()
        if is_live:
            info = driver.export(ref, request, FIRST)
        died = die_at(moment, "delete_snapshot", snapshots[1])
        driver.delete_snapshot(snapshots[1], LATER)
        if is_live:
            write_at(info, 5 * MIB, b"%04d" % moment)
            driver.unexport(ref, request.attachment_id, FIRST)
        assert get(driver, ref, 0, 4) == b"last"
        assert get(driver, ref, MIB, 4) == b"%04d" % moment
        assert [get(driver, snapshots[2], number * MIB, 4) for number in range(3)] == [b"%04d" % moment] * 3
        assert get(driver, snapshots[0], 0, 4) == b"%04d" % moment
        for snapshot in (snapshots[2], snapshots[0]):
            driver.delete_snapshot(snapshot, LATER)
        assert get(driver, ref, 2 * MIB, 4) == b"%04d" % moment
        if not died:
            break


# --- cleaning up


@pytest.mark.parametrize("is_live", [True, False])
def test_layers_do_not_pile_up_when_old_snapshots_make_room_for_new_ones(driver, root, ref, is_live):
    """As backups do it: the newest snapshot is kept, to know what changes until the next one."""
    if is_live:
        driver.export(ref, new_request(), FIRST)
    kept = keep(driver, ref)
    for number in range(6):
        put(driver, ref, number * MIB, b"%d" % number)
        newer = keep(driver, ref)
        assert [it.offset for it in driver.changed_ranges(newer, kept)] == [number * MIB]
        driver.delete_snapshot(kept, LATER)
        kept = newer
        assert len({path.stat().st_ino for path in layers_of(root)}) <= 3
    assert get(driver, kept, 0, 5 * MIB + 1)[::MIB] == b"012345"
    driver.delete_snapshot(kept, LATER)
    assert get(driver, ref, 0, 5 * MIB + 1)[::MIB] == b"012345"
    assert len({path.stat().st_ino for path in layers_of(root)}) == 2


def test_layers_do_not_pile_up_under_clones_that_come_and_go(driver, root, ref):
    info = driver.export(ref, new_request(), FIRST)
    for number in range(12):
        write_at(info, number * MIB, b"%x" % number)
        clone = new_ref()
        driver.clone_volume(clone, ref, FIRST)
        driver.delete_volume(clone, LATER)
    assert len(layers_of(root)) < 12
    assert text_at(info, 0, 11 * MIB + 1)[::MIB] == b"0123456789ab"


def test_a_layer_that_is_read_elsewhere_is_folded_later(driver, root, ref):
    put(driver, ref, 0, b"0")
    snapshots = [keep(driver, ref)]
    put(driver, ref, MIB, b"1")
    snapshots.append(keep(driver, ref))
    request = new_request("ro")
    with open_connection(driver.export_snapshot(snapshots[1], request, FIRST)) as reader:
        driver.delete_snapshot(snapshots[0], LATER)
        assert (reader.pread(1, 0), reader.pread(1, MIB)) == (b"0", b"1")
        assert len({path.stat().st_ino for path in layers_of(root)}) == 3
    driver.unexport_snapshot(snapshots[1], request.attachment_id, FIRST)
    driver.delete_snapshot(new_snapshot(ref), FIRST)
    assert len({path.stat().st_ino for path in layers_of(root)}) == 2
    assert get(driver, snapshots[1], 0, MIB + 1)[::MIB] == b"01"


def test_a_layer_that_a_clone_needs_is_never_changed(driver, ref):
    put(driver, ref, 0, b"old")
    snapshot, clone = keep(driver, ref), new_ref()
    driver.create_volume_from_snapshot(clone, snapshot, FIRST)
    put(driver, ref, 0, b"new")
    newer = keep(driver, ref)
    driver.delete_snapshot(snapshot, LATER)
    driver.delete_snapshot(newer, LATER)
    assert get(driver, clone, 0, 3) == b"old"
    assert get(driver, ref, 0, 3) == b"new"


def test_a_large_layer_is_folded_beside_the_work_and_snapshots_go_on_meanwhile(driver, root, ref, monkeypatch):
    monkeypatch.setattr("drivers.volume.local.folding.WAIT_S", 0)
    info = driver.export(ref, new_request(), FIRST)
    first = keep(driver, ref)
    with open_connection(info) as connection:
        for number in range(96):
            connection.pwrite(bytes(range(256)) * 4096, number * MIB)
    second = keep(driver, ref)
    driver.delete_snapshot(first, LATER)
    third = keep(driver, ref)
    write_at(info, 0, b"undisturbed")
    eventually(
        lambda: driver.delete_snapshot(first, LATER) or len({it.stat().st_ino for it in layers_of(root)}) == 3,
        "the end of folding",
    )
    assert get(driver, third, 0, 256) == get(driver, second, 0, 256) == bytes(range(256))
    assert text_at(info, 95 * MIB + 1, 1) == b"\1"
    assert text_at(info, 0, 11) == b"undisturbed"


def test_nothing_is_left_of_volumes_and_snapshots_that_are_gone(driver, root, ref):
    snapshot, clone = keep(driver, ref), new_ref()
    driver.clone_volume(clone, ref, FIRST)
    driver.export_snapshot(snapshot, new_request("ro"), FIRST)
    driver.delete_snapshot(snapshot, LATER)
    driver.delete_volume(ref, LATER)
    driver.delete_volume(clone, LATER)
    assert daemons_of(root) == []
    for name in ("volumes", "layers", "run"):
        assert list((root / name).iterdir()) == []


def test_checking_removes_layers_that_nobody_finished_and_no_others(driver, root, ref):
    snapshot = keep(driver, ref)
    for name in (f".volume-{uuid.uuid4()}", f".snapshot-{snapshot.id}", f"snapshot-{uuid.uuid4()}"):
        (root / "layers" / name).mkdir()
        (root / "layers" / name / "0123456789abcdef.layer").touch()
    unseen = root / "volumes" / f"{ref.name}.qcow2"
    away = unseen.rename(root / "away")
    driver.check()
    away.rename(unseen)
    assert {path.name for path in (root / "layers").iterdir()} == {ref.name, snapshot.name}
    assert get(driver, snapshot, 0, 1) == get(driver, ref, 0, 1) == b"\0"


# --- what is never trusted


def test_what_a_layer_s_file_says_about_others_is_not_followed(driver, root, ref, tmp_path):
    put(driver, ref, 0, b"mine")
    keep(driver, ref)
    secret = tmp_path / "secret"
    secret.write_bytes(b"theirs".ljust(MIB, b"\0"))
    highest = root / "volumes" / f"{ref.name}.qcow2"
    subprocess.run(
        ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", str(secret), str(highest)], check=True
    )
    clone = new_ref()
    driver.clone_volume(clone, ref, FIRST)
    assert get(driver, ref, 0, 6) == get(driver, clone, 0, 6) == b"mine\0\0"


def test_a_volume_whose_layers_are_lost_is_told_and_never_served_without_them(driver, root, ref):
    put(driver, ref, 0, b"below")
    keep(driver, ref)
    (root / "layers" / ref.name / "order.json").unlink()
    with pytest.raises(BackendDown, match="made of layers"):
        driver.export(ref, new_request(), FIRST)
    (root / "layers" / ref.name / "order.json").write_text("{")
    with pytest.raises(BackendDown, match="damaged"):
        driver.export(ref, new_request(), FIRST)
    assert driver.stats().volumes == 1
    driver.delete_volume(ref, LATER)


def test_a_damaged_snapshot_does_not_take_the_back_end_down(driver, root, ref):
    broken, sound = keep(driver, ref), keep(driver, ref)
    (root / "layers" / broken.name / "order.json").write_text("{")
    assert list(driver.list_snapshots()) == [sound]
    with pytest.raises(BackendDown, match="damaged"):
        driver.export_snapshot(broken, new_request("ro"), FIRST)
    driver.check()
    driver.delete_snapshot(sound, LATER)
    driver.delete_snapshot(broken, LATER)
    assert [path.name for path in (root / "layers").iterdir()] == [ref.name]


def test_what_was_discarded_above_a_snapshot_is_gone_for_the_volume_only(driver, ref):
    put(driver, ref, 0, b"x" * MIB)
    snapshot = keep(driver, ref)
    info = driver.export(ref, new_request(), FIRST)
    write_at(info, 0, b"y" * MIB)
    client = nbd.NBD()
    client.set_export_name(info.data["export"])
    client.connect_unix(info.data["path"])
    client.trim(MIB // 2, 0)
    client.zero(MIB // 4, MIB // 2)
    client.shutdown()
    assert text_at(info, 0, MIB * 3 // 4) == bytes(MIB * 3 // 4)
    assert get(driver, snapshot, 0, MIB) == b"x" * MIB
    later = keep(driver, ref)
    (told,) = driver.changed_ranges(later, snapshot)
    assert told == (0, MIB)
    driver.delete_snapshot(snapshot, LATER)
    driver.delete_snapshot(later, LATER)
    assert text_at(info, 0, MIB) == bytes(MIB * 3 // 4) + b"y" * (MIB // 4)


def test_a_volume_that_was_made_before_there_were_layers_can_be_used_and_kept(driver, root, ref):
    assert list((root / "layers").iterdir()) == []
    put(driver, ref, 0, b"x")
    assert len(layers_of(root)) == 1
    assert get(driver, keep(driver, ref), 0, 1) == b"x"


def test_a_deletion_that_was_not_finished_leaves_nothing_to_a_volume_of_the_same_name(driver, root, ref):
    put(driver, ref, 0, b"old")
    (root / "volumes" / f"{ref.name}.qcow2").unlink()
    driver.create_volume(ref, LATER)
    assert get(driver, ref, 0, 3) == bytes(3)
    snapshot = keep(driver, ref)
    (root / "volumes" / f"{ref.name}.qcow2").unlink()
    driver.create_volume_from_snapshot(VolumeRef(ref.id, 2), snapshot, LATER)
    with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
        assert connection.size == 2 * GIB


def test_room_is_measured_while_drafts_come_and_go(driver, root, ref):
    drafts = [root / "layers" / f".volume-{uuid.uuid4()}" for _ in range(100)]
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for draft in drafts:
                draft.mkdir()
            for draft in drafts:
                draft.rmdir()

    worker = threading.Thread(target=come_and_go)
    worker.start()
    try:
        for _ in range(100):
            assert driver.stats().volumes == 1
    finally:
        is_over.set()
        worker.join(10)
