"""The fronts that other hosts reach the local back-end by: killed, stopped and lost, renewed, and never left behind."""

import datetime as dt
import itertools
import json
import os
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from drivers.connect import open_connection
from drivers.errors import BackendDown
from drivers.volume.local import LocalDriver
from drivers.volume.local.authority import CLIENT_VALID, LAST_CALL, SERVER_VALID, Authority
from drivers.volume.local.fronts import _asked
from tests.contracts.machine import daemons_of, eventually, needs_libnbd, needs_local, processes_naming, start_python
from tests.contracts.volume_driver import FIRST, LAST, LATER, is_dead, new_ref, new_request, text_at, write_at
from tests.contracts.volume_snapshots import keep

pytestmark = [needs_local, needs_libnbd, pytest.mark.slow]  # it starts many daemons

HERE = "127.0.0.1"
EVERY = int(os.environ.get("CELINDER_TEST_EVERY_STEP", "0")) or 11
"""Which steps a worker dies at: some and the end; all of them if set to 1."""

# A worker that makes or ends an export, and kills itself right before the step it is told.
WORKER = """
import json, os, signal, sys
from drivers.types import Connector, ExportRequest, Fence, VolumeRef
from drivers.volume.local import LocalDriver
from drivers.volume.local.monitor import Monitor
root, moment, call, volume, attachment = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "subprocess.Popen", "socket.connect"}
driver, seen = LocalDriver.from_settings("local", {"path": root, "listen": "127.0.0.1"}), 0
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
given = ExportRequest(attachment, Connector("host-a")) if call == "export" else attachment
getattr(driver, call)(VolumeRef(volume, 1), given, Fence(10, 1))
print(seen, flush=True)
"""


def made(root, **more):
    return LocalDriver.from_settings("local", {"path": str(root), "listen": HERE, **more})


@pytest.fixture
def root():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)
        made(name).stop_exports()
        eventually(lambda: not processes_naming(name), "the end of all processes")


@pytest.fixture
def driver(root):
    driver = made(root)
    driver.check()
    return driver


@pytest.fixture
def ref(driver):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    return ref


def is_front(daemon):
    return any(word.endswith(".pid") for word in daemon.cmdline())


def fronts_of(root):
    return [it for it in daemons_of(root) if is_front(it)]


def main_of(root):
    (found,) = [it for it in daemons_of(root) if not is_front(it)]
    return found


def front_at(root, info):
    """Return the front that listens at an export's port."""
    (found,) = [
        it for it in fronts_of(root) if any(c.laddr.port == info.data["port"] for c in it.net_connections("tcp"))
    ]
    return found


def kill(*daemons):
    for daemon in daemons:
        daemon.kill()
    eventually(lambda: not any(it.is_running() and it.status() != "zombie" for it in daemons), "their death")


def can_read(info):
    with suppress(BackendDown):
        return bool(text_at(info, 0, 1))


# --- daemons that die


def test_a_killed_front_is_missed_and_comes_back_for_the_same_certificate_beside_the_others(driver, root, ref):
    hit, other = new_request(), new_request("ro")
    info, kept = driver.export(ref, hit, FIRST), driver.export(ref, other, FIRST)
    with open_connection(info) as cut, open_connection(kept) as stays:
        before = main_of(root)
        kill(front_at(root, info))
        assert is_dead(cut)
        assert driver.exports(ref) == {other.attachment_id}
        assert driver.export(ref, hit, FIRST) == info
        assert driver.exports(ref) == {hit.attachment_id, other.attachment_id}
        assert not is_dead(stays)
        assert main_of(root) == before
    write_at(info, 0, b"again")
    assert text_at(kept, 0, 5) == b"again"


def test_a_killed_daemon_comes_back_with_all_fronts_on_their_ports(driver, root, ref):
    requests = [new_request(), new_request("ro"), new_request()]
    infos = [driver.export(ref, request, FIRST) for request in requests]
    write_at(infos[0], 0, b"flushed")
    kill(main_of(root))
    assert driver.exports(ref) == frozenset()
    assert driver.export(ref, requests[1], FIRST) == infos[1]
    assert driver.exports(ref) == {request.attachment_id for request in requests}
    assert [text_at(info, 0, 7) for info in infos] == [b"flushed"] * 3
    assert len(fronts_of(root)) == 3


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_what_a_dead_daemon_acknowledged_is_never_called_safe_by_the_next_one(driver, root, ref, is_rebuilt):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    with open_connection(info) as connection:
        connection.pwrite(b"acknowledged, not flushed", 0)
        kill(main_of(root))
        if is_rebuilt:
            assert driver.export(ref, request, FIRST) == info
            eventually(lambda: can_read(info), "the way to the next daemon")
        with pytest.raises(BackendDown):
            connection.flush()


def test_a_front_whose_daemon_died_is_ended_even_if_it_cannot_be_asked(driver, root, ref):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    (front,) = fronts_of(root)
    kill(main_of(root))
    for path in (root / "run").glob("*/f-??????"):  # it cannot be asked any more, nor named
        path.unlink()
    driver.export(ref, request, FIRST)
    assert front not in daemons_of(root)
    assert text_at(info, 0, 1) == b"\0"


def test_a_front_that_hangs_is_replaced(driver, root, ref):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    (front,) = fronts_of(root)
    front.suspend()
    assert driver.exports(ref) == frozenset()
    assert driver.export(ref, request, FIRST) == info
    assert front not in daemons_of(root)
    assert text_at(info, 0, 1) == b"\0"


def test_access_is_ended_even_if_the_front_cannot_be_asked(driver, root, ref):
    gone, stays = new_request(), new_request()
    with open_connection(driver.export(ref, gone, FIRST)) as cut, open_connection(driver.export(ref, stays, FIRST)):
        for path in (root / "run").glob("*/f-??????"):
            path.unlink()
        driver.unexport(ref, gone.attachment_id, LATER)
        assert is_dead(cut)
    assert driver.exports(ref) == {stays.attachment_id}
    assert len(fronts_of(root)) == 1


@pytest.mark.parametrize("call", ["export", "unexport"])
def test_a_worker_may_die_at_any_step_and_the_next_claim_goes_on_to_the_end(driver, root, ref, call):
    neighbour = driver.export(ref, new_request(), FIRST)
    for moment in itertools.count(3, EVERY):
        request = new_request()
        if call == "unexport":
            info = driver.export(ref, request, FIRST)
        arguments = [str(root), str(moment), call, ref.id, request.attachment_id]
        worker = start_python(WORKER, *arguments, path=os.environ["PATH"])
        said = worker.communicate(timeout=60)[0]
        assert bool(said) == (worker.returncode == 0)
        if call == "export":
            info = driver.export(ref, request, LATER)
            assert text_at(info, 0, 1) == b"\0"
            assert len(fronts_of(root)) == 2
        driver.unexport(ref, request.attachment_id, LAST)
        assert len(fronts_of(root)) == 1
        with pytest.raises(BackendDown):
            open_connection(info)
        assert text_at(neighbour, 0, 1) == b"\0"
        if said:
            break


# --- nothing is left behind


def test_the_end_of_the_last_export_leaves_no_process_file_or_port(driver, root, ref):
    requests = [new_request() for _ in range(2)]
    for request in requests:
        driver.export(ref, request, FIRST)
    for request in requests:
        driver.unexport(ref, request.attachment_id, LATER)
    assert daemons_of(root) == []
    assert list((root / "run").iterdir()) == []
    assert [path.name for path in (root / "ports").iterdir()] == ["lock"]


def test_deleting_and_stopping_end_all_fronts(driver, root, ref):
    deleted = new_ref()
    driver.create_volume(deleted, FIRST)
    for volume in (ref, deleted):
        driver.export(volume, new_request(), FIRST)
    snapshot = keep(driver, ref)
    driver.export_snapshot(snapshot, new_request("ro"), FIRST)
    assert len(daemons_of(root)) == 6
    driver.delete_volume(deleted, LATER)
    assert len(daemons_of(root)) == 4
    driver.stop_exports()
    assert daemons_of(root) == []


def test_ports_are_kept_whatever_order_exports_come_back_in(driver, root, ref):
    start = _free_ports(4)
    narrow = made(root, first_port=start, last_port=start + 3)
    requests = [new_request() for _ in range(4)]
    before = {it.attachment_id: narrow.export(ref, it, FIRST) for it in requests}
    narrow.stop_exports()
    for request in reversed(requests):
        assert narrow.export(ref, request, FIRST) == before[request.attachment_id]
    assert len({info.data["port"] for info in before.values()}) == 4


def _free_ports(count):
    """Return the first of some ports that follow each other and at which nobody listens."""
    return next(first for first in range(21000, 23000, count) if not any(map(_is_used, range(first, first + count))))


def _is_used(port):
    with socket.socket() as probe:
        return probe.connect_ex((HERE, port)) == 0


# --- certificates in time


def earlier(root, **ago):
    """Return a driver whose clock is behind, and have it make the server's certificate; daemons know the true time."""
    driver = made(root)
    driver._remote.authority._clock = lambda: dt.datetime.now(dt.UTC) - dt.timedelta(**ago)
    (root / "certificates" / "servers" / "current").unlink(missing_ok=True)
    driver.check()
    return driver


def shown_by(root, info):
    """Return the certificate that the server of an export shows."""
    fronts = [_asked(path) for path in (root / "run").glob("*/f-??????")]
    (folder,) = [front.server for front in fronts if front.port == info.data["port"]]
    return x509.load_pem_x509_certificates((folder / "server-cert.pem").read_bytes())[0]


def is_connected(root, info):
    return any(it.status == "ESTABLISHED" for it in front_at(root, info).net_connections("tcp"))


def test_checking_replaces_an_old_server_certificate_without_cutting_anybody(driver, root, ref):
    past = earlier(root, days=SERVER_VALID.days // 2 + 10)
    idle, busy = new_request(), new_request()
    infos = [past.export(ref, request, FIRST) for request in (idle, busy)]
    old = [shown_by(root, info) for info in infos]
    with open_connection(infos[1]) as connection:
        driver.check()
        assert shown_by(root, infos[0]).not_valid_before_utc > old[0].not_valid_before_utc
        assert shown_by(root, infos[1]) == old[1]
        assert not is_dead(connection)
        assert [text_at(info, 0, 1) for info in infos] == [b"\0"] * 2
    eventually(lambda: not is_connected(root, infos[1]), "the end of the connection")
    driver.check()
    assert shown_by(root, infos[1]) == shown_by(root, infos[0])
    assert text_at(infos[1], 0, 1) == b"\0"


def test_a_certificate_close_to_its_end_is_replaced_at_any_cost(driver, root, ref):
    past = earlier(root, days=(SERVER_VALID - LAST_CALL).days + 1)
    request = new_request()
    info = past.export(ref, request, FIRST)
    with open_connection(info) as connection:
        driver.check()
        assert is_dead(connection)
    assert shown_by(root, info).not_valid_after_utc > dt.datetime.now(dt.UTC) + SERVER_VALID / 2
    assert text_at(info, 0, 1) == b"\0"


def test_checking_changes_nothing_while_everything_is_young(driver, root, ref):
    info = driver.export(ref, new_request(), FIRST)
    before = (daemons_of(root), shown_by(root, info))
    driver.check()
    assert (daemons_of(root), shown_by(root, info)) == before


def test_a_successor_of_the_authority_is_trusted_by_clients_of_the_former_one(root):
    directory = root / "certificates"
    now = dt.datetime.now(dt.UTC)
    Authority(directory, HERE, clock=lambda: now - dt.timedelta(days=1900)).prepare()
    past = earlier(root, days=100)  # the authority is not half over yet, and the server has a certificate of that day
    driver, ref = made(root), new_ref()
    past.create_volume(ref, FIRST)
    old, new, busy = new_request(), new_request(), new_request()
    info, running = past.export(ref, old, FIRST), past.export(ref, busy, FIRST)
    former = info.data["authority_certificate"]
    with open_connection(running) as connection:
        driver.check()
        later = driver.export(ref, new, FIRST)
        assert later.data["authority_certificate"] != former
        assert driver.export(ref, old, FIRST) == info
        assert shown_by(root, info).issuer == shown_by(root, later).issuer
        assert shown_by(root, info).issuer != shown_by(root, running).issuer
        assert [text_at(it, 0, 1) for it in (info, later, running)] == [b"\0"] * 3
        assert not is_dead(connection)
    ended = Authority(directory, HERE, clock=lambda: now + dt.timedelta(days=1800))
    ended.prepare()
    assert former.encode() not in (ended.server / "ca-cert.pem").read_bytes()


def test_an_attachment_s_own_certificate_is_made_anew_in_its_second_half_and_the_old_one_stays_good(driver, root, ref):
    past = earlier(root, days=CLIENT_VALID.days // 2 + 10)
    request = new_request()
    before = past.export(ref, request, FIRST)
    driver.check()
    after = driver.export(ref, request, FIRST)
    assert after.data["client_certificate"] != before.data["client_certificate"]
    assert after.data["port"] == before.data["port"]
    assert [text_at(info, 0, 1) for info in (before, after)] == [b"\0"] * 2


def test_the_authority_s_directory_may_be_thrown_away_to_shut_everybody_out(driver, root, ref):
    request = new_request()
    before = driver.export(ref, request, FIRST)
    shutil.rmtree(root / "certificates")
    driver.check()
    with pytest.raises(BackendDown):
        open_connection(before)
    assert driver.exports(ref) == frozenset()
    after = driver.export(ref, request, FIRST)
    assert text_at(after, 0, 1) == b"\0"
    with pytest.raises(BackendDown):
        open_connection(before)


def test_no_key_is_ever_seen_in_a_command_line_or_by_others(driver, root, ref):
    info = driver.export(ref, new_request(), FIRST)
    secrets = [line for line in info.data["client_key"].splitlines() if "KEY" not in line]
    for daemon in daemons_of(root):
        said = " ".join(daemon.cmdline()) + json.dumps(daemon.environ())
        assert not any(line in said for line in secrets)
    for path in (root / "certificates").rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0
