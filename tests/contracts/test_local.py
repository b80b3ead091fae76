"""The local back-end keeps the contract, also when workers and daemons die or stop at the worst moment."""

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.connect import open_connection
from drivers.errors import BackendBusy, BackendDown, BackendFull, InvalidConfiguration, StaleFence, VolumeMissing
from drivers.fences import TOMBSTONE_DAYS
from drivers.types import GIB, Fence
from drivers.volume.local import LocalDriver
from drivers.volume.local.failures import meaning_of
from drivers.volume.local.layout import Layout
from drivers.volume.local.records import locked, locked_record
from tests.contracts.machine import (
    daemons_of,
    eventually,
    hold_program,
    needs_libnbd,
    needs_local,
    processes_naming,
    start_python,
)
from tests.contracts.volume_driver import (
    FIRST,
    LAST,
    LATER,
    VolumeDriverContract,
    is_dead,
    new_ref,
    new_request,
    text_at,
    write_at,
)

pytestmark = [needs_local, needs_libnbd]

# A worker: makes the driver, does the calls it is told one after the other, and prints how each one ended.
WORKER = """
import json, sys
from drivers.errors import DriverError
from drivers.types import Connector, ExportRequest, Fence, VolumeRef
from drivers.volume.local import LocalDriver
root, calls = sys.argv[1], json.loads(sys.argv[2])
driver = LocalDriver.from_settings("local", {"path": root})
print("ready", flush=True)
for call, volume, attachment, fence in calls:
    arguments = {"create_volume": [], "delete_volume": [], "unexport": [attachment]}.get(call)
    if arguments is None:
        arguments = [ExportRequest(attachment, Connector("host-a"))]
    try:
        getattr(driver, call)(VolumeRef(volume, 1), *arguments, Fence(*fence))
        print("done", flush=True)
    except DriverError as error:
        print(error.code, flush=True)
"""


@pytest.fixture
def root():
    """Give a directory with a name short enough for sockets; nothing may still run in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        root = Path(name)
        yield root
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
def start_worker(root):
    """Give a function that starts a worker process with calls to do; its end is seen to."""
    workers = []

    def start(*calls, ref, request, folder=None):
        path = f"{folder}:{os.environ['PATH']}" if folder else os.environ["PATH"]
        told = [(call, ref.id, request.attachment_id, [fence.operation, fence.claim]) for call, fence in calls]
        worker = start_python(WORKER, str(root), json.dumps(told), path=path)
        workers.append(worker)
        assert worker.stdout.readline() == "ready\n"
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.communicate(timeout=10)


class TestLocalDriver(VolumeDriverContract):
    pass


# --- what stands on the disk


def test_a_deleted_volume_leaves_no_file_process_or_socket(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    driver.export(ref, new_request(), FIRST)
    assert len(daemons_of(root)) == 1
    driver.delete_volume(ref, LATER)
    assert daemons_of(root) == []
    assert [*(root / "volumes").iterdir(), *(root / "run").iterdir()] == []


def test_the_last_end_of_an_export_ends_the_daemon(driver, root):
    ref, first, second = new_ref(), new_request(), new_request()
    driver.create_volume(ref, FIRST)
    driver.export(ref, first, FIRST)
    driver.export(ref, second, FIRST)
    driver.unexport(ref, first.attachment_id, LATER)
    assert len(daemons_of(root)) == 1
    driver.unexport(ref, second.attachment_id, LATER)
    assert daemons_of(root) == []
    assert list((root / "run").iterdir()) == []


def test_only_the_owner_can_reach_files_and_sockets(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    socket = Path(driver.export(ref, new_request(), FIRST).data["path"])
    for path in (root / "volumes", root / "fences", root / "run", socket.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (image,) = (root / "volumes").iterdir()
    assert stat.S_IMODE(image.stat().st_mode) == 0o600


def test_what_a_client_writes_is_never_taken_for_a_format(driver):
    ref, request = new_ref(), new_request()
    driver.create_volume(ref, FIRST)
    forged = b"QFI\xfb" + (3).to_bytes(4, "big") + (104).to_bytes(8, "big") + (11).to_bytes(4, "big")
    forged = forged.ljust(104, b"\0") + b"/etc/passwd".ljust(408, b"\0")
    write_at(driver.export(ref, request, FIRST), 0, forged)
    driver.unexport(ref, request.attachment_id, LATER)
    driver.extend_volume(ref, 2, LATER)
    with open_connection(driver.export(ref, new_request(), FIRST)) as connection:
        assert connection.size == 2 * GIB
        assert connection.pread(len(forged), 0) == forged


# --- daemons


def test_a_daemon_outlives_the_worker_that_started_it(driver, root, start_worker):
    ref, request = new_ref(), new_request()
    worker = start_worker(("create_volume", FIRST), ("export", FIRST), ref=ref, request=request)
    assert worker.communicate(timeout=20)[0] == "done\ndone\n"
    (daemon,) = daemons_of(root)
    assert os.getsid(daemon.pid) not in {os.getsid(0), worker.pid}
    assert driver.exports(ref) == {request.attachment_id}


def test_a_killed_daemon_is_rebuilt_with_all_its_exports_and_what_was_flushed(driver, another, root):
    ref, first, second = new_ref(), new_request(), new_request("ro")
    driver.create_volume(ref, FIRST)
    info, other = driver.export(ref, first, FIRST), driver.export(ref, second, LATER)
    write_at(info, 123, b"flushed")
    (daemon,) = daemons_of(root)
    daemon.kill()
    eventually(lambda: not daemons_of(root), "the daemon's death")
    assert driver.exports(ref) == frozenset()
    with pytest.raises(BackendDown):
        open_connection(info)
    assert another.export(ref, first, FIRST) == info
    assert driver.exports(ref) == {first.attachment_id, second.attachment_id}
    assert text_at(info, 123, 7) == text_at(other, 123, 7) == b"flushed"
    with open_connection(other) as connection:
        assert connection.is_read_only


def test_a_rebuilt_daemon_does_not_bring_back_an_ended_export(driver, root):
    ref, gone, stays = new_ref(), new_request(), new_request()
    driver.create_volume(ref, FIRST)
    driver.export(ref, gone, FIRST)
    driver.export(ref, stays, FIRST)
    driver.unexport(ref, gone.attachment_id, LATER)
    daemons_of(root)[0].kill()
    with pytest.raises(StaleFence):
        driver.export(ref, gone, FIRST)
    driver.export(ref, stays, FIRST)
    assert driver.exports(ref) == {stays.attachment_id}


def test_ending_an_export_of_a_dead_daemon_rebuilds_the_others(driver, root):
    ref, gone, stays = new_ref(), new_request(), new_request()
    driver.create_volume(ref, FIRST)
    driver.export(ref, gone, FIRST)
    driver.export(ref, stays, FIRST)
    daemons_of(root)[0].kill()
    driver.unexport(ref, gone.attachment_id, LATER)
    assert driver.exports(ref) == {stays.attachment_id}


def test_a_new_driver_takes_a_running_daemon_over(driver, another, root):
    ref, request = new_ref(), new_request()
    driver.create_volume(ref, FIRST)
    with open_connection(driver.export(ref, request, FIRST)) as connection:
        before = daemons_of(root)
        another.check()
        another.export(ref, request, FIRST)
        another.export(ref, new_request(), FIRST)
        assert daemons_of(root) == before
        assert not is_dead(connection)


def test_a_process_that_only_has_the_daemon_s_number_is_left_alone(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    driver.export(ref, new_request(), FIRST)
    (daemon,) = daemons_of(root)
    (pid_file,) = (root / "run").glob("*/p-*")
    daemon.kill()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        pid_file.write_text(f"{bystander.pid}\n")
        driver.export(ref, new_request(), FIRST)
        driver.delete_volume(ref, LATER)
        driver.stop_exports()
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize("lost", ["q-*", "n", "*"])
def test_a_daemon_whose_sockets_were_deleted_is_replaced(driver, root, lost):
    ref, request, other = new_ref(), new_request(), new_request()
    driver.create_volume(ref, FIRST)
    info = driver.export(ref, request, FIRST)
    driver.export(ref, other, FIRST)
    write_at(info, 0, b"flushed")
    for path in (root / "run").glob(f"*/{lost}"):
        path.unlink()
    assert driver.export(ref, request, FIRST) == info
    assert text_at(info, 0, 7) == b"flushed"
    assert driver.exports(ref) == {request.attachment_id, other.attachment_id}
    assert len(daemons_of(root)) == 1


def test_access_is_ended_even_if_the_daemon_cannot_be_asked(driver, root):
    ref, request = new_ref(), new_request()
    driver.create_volume(ref, FIRST)
    with open_connection(driver.export(ref, request, FIRST)) as connection:
        for path in (root / "run").glob("*/q-*"):
            path.unlink()
        driver.unexport(ref, request.attachment_id, LATER)
        assert is_dead(connection)
    assert daemons_of(root) == []


def test_a_volume_whose_file_is_gone_can_still_be_detached_and_deleted(driver, root):
    ref, request = new_ref(), new_request()
    driver.create_volume(ref, FIRST)
    driver.export(ref, request, FIRST)
    next((root / "volumes").iterdir()).unlink()
    with pytest.raises(VolumeMissing):
        driver.export(ref, new_request(), FIRST)
    driver.unexport(ref, request.attachment_id, LATER)
    assert daemons_of(root) == []
    driver.delete_volume(ref, LATER)


def test_calls_leave_no_descriptor_open_however_they_end(driver, root):
    def live_and_die() -> None:
        ref, request = new_ref(), new_request()
        driver.create_volume(ref, FIRST)
        driver.export(ref, request, FIRST)
        daemons_of(root)[0].kill()
        driver.export(ref, request, FIRST)
        for path in (root / "run").glob("*/n"):
            path.unlink()
        driver.export(ref, request, FIRST)
        with pytest.raises(StaleFence):
            driver.unexport(ref, request.attachment_id, Fence(1, 1))
        driver.stop_exports()
        driver.delete_volume(ref, LATER)

    live_and_die()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        live_and_die()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# --- workers that die


def test_a_worker_killed_while_preparing_takes_its_program_along_and_the_next_claim_goes_on(
    driver, root, tmp_path, start_worker
):
    ref, request = new_ref(), new_request()
    go = hold_program(tmp_path, "qemu-img")
    worker = start_worker(("create_volume", FIRST), ref=ref, request=request, folder=tmp_path)
    eventually(go.with_suffix(".reached").exists, "the start of qemu-img")
    assert len(list((root / "volumes").iterdir())) == 1
    worker.kill()
    eventually(lambda: not processes_naming(f".volume-{ref.id}"), "the end of qemu-img")
    assert list(driver.list_volumes()) == []
    driver.create_volume(ref, LATER)
    assert [path.name for path in (root / "volumes").iterdir()] == [f"{ref.name}.qcow2"]


def test_a_daemon_that_comes_up_after_its_worker_was_killed_disturbs_nobody(driver, root, tmp_path, start_worker):
    ref, request = new_ref(), new_request()
    driver.create_volume(ref, FIRST)
    go = hold_program(tmp_path, "qemu-storage-daemon")
    worker = start_worker(("export", FIRST), ref=ref, request=request, folder=tmp_path)
    eventually(go.with_suffix(".reached").exists, "the start of the daemon")
    worker.kill()
    info = driver.export(ref, request, LATER)
    with open_connection(info) as connection:
        go.touch()
        eventually(lambda: len(list((root / "run").glob("*/q-*"))) == 2, "the late daemon")
        connection.pwrite(b"undisturbed", 0)
        connection.flush()
        assert driver.exports(ref) == {request.attachment_id}
        eventually(lambda: len(daemons_of(root)) == 1, "the end of the late daemon")
        assert connection.pread(11, 0) == b"undisturbed"
    driver.delete_volume(ref, LAST)


@pytest.mark.parametrize("moment_ms", range(0, 120, 15))
def test_a_worker_may_be_killed_at_any_moment_and_the_next_claim_goes_on_to_the_end(
    driver, root, start_worker, moment_ms
):
    ref, request = new_ref(), new_request()
    calls = [(call, Fence(n, 1)) for n, call in enumerate(("create_volume", "export", "unexport", "delete_volume"), 1)]
    worker = start_worker(*calls, ref=ref, request=request)
    try:
        worker.wait(moment_ms / 1000)
    except subprocess.TimeoutExpired:
        worker.kill()
    done = worker.communicate(timeout=10)[0].count("done")
    if done < 1:
        driver.create_volume(ref, Fence(1, 2))
    if done < 2:
        info = driver.export(ref, request, Fence(2, 2))
        write_at(info, 0, b"goes on")
        assert text_at(info, 0, 7) == b"goes on"
        assert driver.exports(ref) == {request.attachment_id}
    if done < 3:
        driver.unexport(ref, request.attachment_id, Fence(3, 2))
    driver.delete_volume(ref, Fence(4, 2))
    assert daemons_of(root) == []
    assert [*(root / "volumes").iterdir(), *(root / "run").iterdir()] == []


# --- workers that stop and wake up late


def test_a_worker_stopped_while_preparing_finds_itself_refused_when_it_wakes_up(driver, root, tmp_path, start_worker):
    ref, request = new_ref(), new_request()
    go = hold_program(tmp_path, "qemu-img")
    worker = start_worker(("create_volume", FIRST), ref=ref, request=request, folder=tmp_path)
    eventually(go.with_suffix(".reached").exists, "the start of qemu-img")
    worker.send_signal(signal.SIGSTOP)
    driver.create_volume(ref, LATER)
    info = driver.export(ref, request, LATER)
    write_at(info, 0, b"of the later claim")
    go.touch()
    worker.send_signal(signal.SIGCONT)
    assert worker.communicate(timeout=20)[0] == "stale-fence\n"
    assert text_at(info, 0, 18) == b"of the later claim"
    assert [path.name for path in (root / "volumes").iterdir()] == [f"{ref.name}.qcow2"]


@pytest.mark.parametrize("later", ["delete_volume", "create_volume"])
def test_everything_a_stopped_worker_still_wanted_is_refused(driver, tmp_path, start_worker, later):
    ref, request = new_ref(), new_request()
    go = hold_program(tmp_path, "qemu-img")
    late = [("create_volume", FIRST), ("export", FIRST), ("unexport", FIRST), ("delete_volume", FIRST)]
    worker = start_worker(*late, ref=ref, request=request, folder=tmp_path)
    eventually(go.with_suffix(".reached").exists, "the start of qemu-img")
    worker.send_signal(signal.SIGSTOP)
    getattr(driver, later)(ref, LATER)
    driver.unexport(ref, request.attachment_id, LATER)
    before = list(driver.list_volumes())
    go.touch()
    worker.send_signal(signal.SIGCONT)
    said = worker.communicate(timeout=20)[0].split()
    # Exporting a volume that is not there any more is told as that.
    assert said == ["stale-fence"] * 4 or (later == "delete_volume" and said[1] == "volume-missing")
    assert list(driver.list_volumes()) == before
    assert driver.exports(ref) == frozenset()


def test_a_worker_stopped_while_it_holds_a_volume_makes_others_wait_with_its_number_told(driver, root, start_worker):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    path = root / "fences" / f"{ref.id}.lock"
    holder = start_python(
        "import os, signal, sys; from pathlib import Path; from drivers.volume.local.records import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); os.kill(os.getpid(), signal.SIGSTOP)",
        str(path),
        path=os.environ["PATH"],
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BackendBusy, match=str(holder.pid)), locked(path, wait_s=0.05):
        pass
    holder.send_signal(signal.SIGCONT)
    driver.delete_volume(ref, LATER)
    assert holder.wait(10) == 0
    holder.stdout.close()


# --- clearing up


def test_checking_removes_what_dead_claims_prepared_and_nothing_a_live_one_may_use(driver, root):
    dead, live, old = new_ref(), new_ref(), new_ref()
    driver.create_volume(dead, LATER)
    volumes = root / "volumes"
    drafts = {name: volumes / f".{ref.name}.10.1.tmp" for name, ref in (("dead", dead), ("live", live), ("old", old))}
    for path in drafts.values():
        path.touch()
    os.utime(drafts["old"], (0, 0))
    driver.check()
    assert not drafts["dead"].exists()
    assert not drafts["old"].exists()
    assert drafts["live"].exists()


def test_checking_forgets_claims_when_no_late_one_can_come_any_more(driver, root):
    old, young = new_ref(), new_ref()
    for ref in (old, young):
        driver.create_volume(ref, FIRST)
        driver.export(ref, new_request(), FIRST)
        driver.delete_volume(ref, LATER)
    with locked_record(Layout(root, root / "run"), old.id) as record:
        past = time.time() - (TOMBSTONE_DAYS * 24 + 1) * 3600
        record.book.seen_at = past
        for export in record.book.exports.values():
            export.seen_at = past
        record.save()
    driver.check()
    assert {path.stem for path in (root / "fences").iterdir()} == {young.id}
    with pytest.raises(StaleFence):
        driver.create_volume(young, FIRST)


def test_checking_removes_run_directories_without_a_volume_but_ends_no_live_daemon(driver, root):
    gone, running = new_ref(), new_ref()
    for ref in (gone, running):
        driver.create_volume(ref, FIRST)
        driver.export(ref, new_request(), FIRST)
    for daemon in daemons_of(root):
        if any(gone.id.replace("-", "") in word for word in daemon.cmdline()):
            daemon.kill()
    with open_connection(driver.export(running, new_request(), FIRST)) as connection:
        for path in (root / "volumes").iterdir():
            path.unlink()
        driver.check()
        assert not is_dead(connection)


def test_a_damaged_fence_record_is_told_and_never_taken_for_an_empty_one(driver, root):
    ref = new_ref()
    driver.create_volume(ref, LATER)
    (root / "fences" / f"{ref.id}.json").write_text('{"volume": [1')
    with pytest.raises(BackendDown, match="damaged"):
        driver.create_volume(ref, FIRST)


def test_a_damaged_image_does_not_take_the_back_end_down(driver, root):
    broken, sound = new_ref(), new_ref()
    driver.create_volume(broken, FIRST)
    (root / "volumes" / f"{broken.name}.qcow2").write_bytes(b"rubbish")
    driver.create_volume(sound, FIRST)
    assert {ref.id: ref.size_gib for ref in driver.list_volumes()} == {broken.id: 0, sound.id: 1}
    assert driver.stats().volumes == 2
    with pytest.raises(BackendDown):
        driver.export(broken, new_request(), FIRST)
    driver.delete_volume(broken, LATER)


# --- what an operator is told


def test_missing_programs_are_told_with_the_line_that_installs_them(driver, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidConfiguration, match=r"apt-get install .*qemu-system-common qemu-utils"):
        driver.check()
    with pytest.raises(InvalidConfiguration, match="qemu-utils"):
        driver.create_volume(new_ref(), FIRST)


def test_a_second_host_is_refused_in_words_one_can_act_on(driver, root):
    marker = root / "host.json"
    there = json.loads(marker.read_text()) | {"host": "elsewhere"}
    marker.write_text(json.dumps(there))
    with pytest.raises(InvalidConfiguration, match=r"belongs to .*elsewhere.* delete .*host\.json"):
        driver.check()


def test_a_second_back_end_in_the_same_directory_is_refused(driver, root):
    with pytest.raises(InvalidConfiguration, match="'backend': 'local'"):
        LocalDriver.from_settings("other", {"path": str(root)}).check()


def test_a_directory_too_deep_for_sockets_is_refused_with_the_entry_that_helps(tmp_path):
    deep = tmp_path / ("x" * 80)
    with pytest.raises(InvalidConfiguration, match="runtime_path"):
        LocalDriver.from_settings("local", {"path": str(deep)}).check()
    assert not deep.exists()


def test_sockets_may_live_in_a_short_directory_of_their_own(root, tmp_path):
    deep = tmp_path / ("x" * 80)
    settings = {"path": str(deep), "runtime_path": str(root / "short")}
    driver, ref = LocalDriver.from_settings("local", settings), new_ref()
    driver.check()
    driver.create_volume(ref, FIRST)
    info = driver.export(ref, new_request(), FIRST)
    assert Path(info.data["path"]).is_relative_to(root / "short" / "local")
    assert text_at(info, 0, 1) == b"\0"
    driver.delete_volume(ref, LATER)
    assert list((root / "short" / "local").iterdir()) == []


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidConfiguration, match="file"):
        LocalDriver.from_settings("local", {"path": str(tmp_path / "file" / "x"), "runtime_path": "/tmp/c"}).check()  # noqa: S108


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "path"),
        ({"path": "relative"}, "path"),
        ({"path": 7}, "path"),
        ({"path": "/x", "runtime_path": "y"}, "runtime_path"),
        ({"path": "/x", "reserved_percentage": 101}, "reserved_percentage"),
        ({"path": "/x", "reserved_percentage": "5"}, "reserved_percentage"),
        ({"path": "/x", "max_over_subscription_ratio": 0}, "max_over_subscription_ratio"),
        ({"path": "/x", "max_oversubscription_ratio": 2}, "max_oversubscription_ratio"),
    ],
)
def test_a_wrong_entry_of_the_settings_is_named(settings, named):
    with pytest.raises(InvalidConfiguration, match=named):
        LocalDriver.from_settings("local", settings)


# --- room


def test_promises_stay_below_the_file_system_times_the_ratio(driver, root):
    total = int(shutil.disk_usage(root).total / GIB)
    strict = LocalDriver.from_settings("local", {"path": str(root), "max_over_subscription_ratio": 1.0})
    with pytest.raises(BackendFull, match="No room"):
        strict.create_volume(new_ref(total + 1), FIRST)
    driver.create_volume(new_ref(total + 1), FIRST)
    with pytest.raises(BackendFull):
        strict.create_volume(new_ref(), FIRST)


def test_the_reserved_part_is_not_promised(driver, root):
    everything = LocalDriver.from_settings("local", {"path": str(root), "reserved_percentage": 100})
    with pytest.raises(BackendFull):
        everything.create_volume(new_ref(), FIRST)
    assert everything.stats().reserved_percentage == 100


@pytest.mark.parametrize(
    ("number", "family"),
    [("ENOSPC", BackendFull), ("EDQUOT", BackendFull), ("EMFILE", BackendBusy), ("EIO", BackendDown)],
)
def test_an_error_of_the_system_decides_whether_another_back_end_or_a_later_time_helps(number, family):
    assert type(meaning_of(OSError(getattr(errno, number), "told"), "testing", BackendFull)) is family


def test_when_the_disk_is_full_volumes_can_still_be_detached_and_deleted(tmp_path):
    root = tmp_path / "small"
    root.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "celinder-test", root], check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with tempfile.TemporaryDirectory(prefix="celinder-") as short:
            settings = {"path": str(root), "runtime_path": short, "max_over_subscription_ratio": 10_000}
            driver, ref, request = LocalDriver.from_settings("local", settings), new_ref(), new_request()
            driver.check()
            driver.create_volume(ref, FIRST)
            with open_connection(driver.export(ref, request, FIRST)) as connection, pytest.raises(BackendFull):
                connection.pwrite(bytes(range(256)) * 64 * 1024, 0)
            fill = root / "fill"
            with suppress(OSError), fill.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(512))
            with pytest.raises(BackendFull):
                driver.create_volume(new_ref(), FIRST)
            driver.unexport(ref, request.attachment_id, LATER)
            with pytest.raises(StaleFence):
                driver.export(ref, request, FIRST)
            driver.delete_volume(ref, LATER)
            assert driver.stats().volumes == 0
            fill.unlink()
            with pytest.raises(StaleFence):
                driver.create_volume(ref, FIRST)
            driver.create_volume(ref, LAST)
    finally:
        subprocess.run(["umount", root], check=True)


def test_a_record_cut_short_by_a_crash_counts_with_what_it_said_before(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    driver.extend_volume(ref, 2, LATER)
    record = root / "fences" / f"{ref.id}.json"
    before = record.read_bytes()
    driver.extend_volume(ref, 3, LAST)
    after = record.read_bytes()
    assert len(before) == len(after)
    changed = [n for n in range(len(after)) if before[n] != after[n]]
    for cut in (changed[0] + 1, changed[-1]):
        record.write_bytes(after[:cut] + before[cut:])
        driver.extend_volume(ref, 3, LATER)


def test_a_record_grows_with_its_attachments(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    requests = [new_request() for _ in range(60)]
    for request in requests:
        driver.unexport(ref, request.attachment_id, LATER)
    for request in requests:
        with pytest.raises(StaleFence):
            driver.export(ref, request, FIRST)
    assert [path.suffix for path in sorted((root / "fences").iterdir())] == [".json", ".lock"]


def test_a_storage_that_is_not_mounted_is_not_taken_for_an_empty_one(driver, root):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    (root / "volumes").rename(root / "elsewhere")
    for call in (
        lambda: driver.create_volume(new_ref(), FIRST),
        lambda: driver.export(ref, new_request(), FIRST),
        lambda: list(driver.list_volumes()),
        driver.stats,
    ):
        with pytest.raises(BackendDown):
            call()
