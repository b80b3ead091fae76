"""Exports of the local back-end to other hosts: only the attachment they are for gets in, and only while it is one."""

import itertools
import socket
import tempfile
from pathlib import Path

import pytest

from drivers.connect import open_connection
from drivers.errors import (
    BackendBusy,
    DriverError,
    InvalidConfiguration,
    NotSupported,
    StaleFence,
)
from drivers.volume.local import LocalDriver
from tests.certificates import OWN, is_refused, with_credentials_of, with_members
from tests.contracts.connector import ConnectorContract
from tests.contracts.machine import eventually, needs_libnbd, needs_local, processes_naming
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
from tests.contracts.volume_snapshots import keep

pytestmark = [needs_local, needs_libnbd, pytest.mark.slow]  # it starts many daemons

HERE = "127.0.0.1"


@pytest.fixture
def root():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)
        LocalDriver.from_settings("local", {"path": name}).stop_exports()
        eventually(lambda: not processes_naming(name), "the end of all processes")


@pytest.fixture
def driver(root):
    driver = LocalDriver.from_settings("local", {"path": str(root), "listen": HERE})
    driver.check()
    return driver


@pytest.fixture
def ref(driver):
    ref = new_ref()
    driver.create_volume(ref, FIRST)
    return ref


@pytest.fixture(scope="module")
def shared_driver():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        driver = LocalDriver.from_settings("local", {"path": name, "listen": HERE})
        driver.check()
        yield driver
        driver.stop_exports()


class TestTlsConnection(ConnectorContract):
    @pytest.fixture
    def reach(self, shared_driver):
        ref = new_ref()
        shared_driver.create_volume(ref, FIRST)
        yield lambda mode: open_connection(shared_driver.export(ref, new_request(mode), FIRST))
        shared_driver.delete_volume(ref, LATER)


class TestTlsDriver(VolumeDriverContract):
    @pytest.fixture
    def another(self, driver, root):
        return LocalDriver.from_settings("local", {"path": str(root), "listen": HERE})


def test_an_attachment_s_own_certificate_lets_it_in(driver, ref):
    request = new_request()
    info = driver.export(ref, request, FIRST)
    assert (info.data["transport"], info.data["tls"], info.data["host"]) == ("tcp", "x509", HERE)
    assert all(isinstance(value, str | int | bool | None) for value in info.data.values())
    write_at(info, 5, b"by tls")
    assert text_at(info, 5, 6) == b"by tls"
    assert driver.export(ref, request, LATER) == info


def test_a_client_without_tls_gets_nothing(driver, ref):
    info = driver.export(ref, new_request(), FIRST)
    with socket.create_connection((HERE, info.data["port"]), timeout=10) as plain:
        greeting = plain.recv(18, socket.MSG_WAITALL)
        assert greeting.startswith(b"NBDMAGIC")
        name = info.data["export"].encode()
        plain.sendall(
            (1).to_bytes(4, "big") + b"IHAVEOPT" + (1).to_bytes(4, "big") + len(name).to_bytes(4, "big") + name
        )
        assert plain.recv(64) == b""
    with pytest.raises(NotSupported):
        open_connection(with_members(info, tls=None))


def test_another_volume_s_attachment_is_refused_by_the_daemon(driver, ref):
    other = new_ref()
    driver.create_volume(other, FIRST)
    mine, theirs = driver.export(ref, new_request(), FIRST), driver.export(other, new_request(), FIRST)
    assert is_refused(with_credentials_of(mine, theirs))
    assert is_refused(with_credentials_of(theirs, mine))
    assert not is_refused(mine)


def test_a_certificate_of_another_authority_is_refused_by_both_sides(driver, ref):
    with tempfile.TemporaryDirectory(prefix="celinder-") as elsewhere:
        stranger = LocalDriver.from_settings("local", {"path": elsewhere, "listen": HERE})
        stranger.check()
        stranger.create_volume(ref, FIRST)
        request = new_request()
        mine, forged = driver.export(ref, request, FIRST), stranger.export(ref, request, FIRST)
        assert is_refused(with_credentials_of(mine, forged))
        assert is_refused(with_members(mine, authority_certificate=forged.data["authority_certificate"]))
        names = {name: forged.data[name] for name in OWN[1:]}
        assert is_refused(with_members(mine, **names))
        stranger.delete_volume(ref, LATER)


def test_after_detaching_the_certificate_is_refused_and_live_connections_are_cut(driver, root, ref):
    gone, stays = new_request(), new_request()
    info, other = driver.export(ref, gone, FIRST), driver.export(ref, stays, FIRST)
    with open_connection(info) as cut, open_connection(other) as kept:
        driver.unexport(ref, gone.attachment_id, LATER)
        assert is_dead(cut)
        assert not is_dead(kept)
    assert is_refused(info)
    assert is_refused(with_credentials_of(other, info))
    assert not is_refused(other)
    assert [path.stem for path in (root / "certificates" / "clients").iterdir()] == [stays.attachment_id]
    with pytest.raises(StaleFence):
        driver.export(ref, gone, FIRST)


def test_the_certificate_of_a_past_attachment_does_not_open_the_next_one(driver, ref):
    first, second = new_request(), new_request()
    past = driver.export(ref, first, FIRST)
    driver.unexport(ref, first.attachment_id, LATER)
    info = driver.export(ref, second, LATER)
    assert is_refused(with_credentials_of(info, past))
    assert not is_refused(info)


def test_a_server_by_another_name_is_refused_by_the_client(driver, ref):
    info = driver.export(ref, new_request(), FIRST)
    assert is_refused(with_members(info, host="localhost"))


def test_attachments_of_one_volume_open_their_own_exports_and_no_other(driver, ref):
    infos = [driver.export(ref, new_request(mode), FIRST) for mode in ("rw", "ro", "rw")]
    snapshot = keep(driver, ref)
    infos += [driver.export_snapshot(snapshot, new_request("ro"), FIRST) for _ in range(2)]
    for own, other in itertools.permutations(infos, 2):
        assert is_refused(with_credentials_of(other, own))
        assert is_refused(with_members(with_credentials_of(other, own), export=own.data["export"]))
        assert is_refused(with_members(own, export=other.data["export"]))
    assert not any(is_refused(info) for info in infos)


def test_one_attachment_reads_while_another_writes_and_the_storage_sees_to_it(driver, ref):
    writer, reader = (driver.export(ref, new_request(mode), FIRST) for mode in ("rw", "ro"))
    write_at(writer, 7, b"both see it")
    with open_connection(reader) as connection:
        assert connection.pread(11, 7) == b"both see it"
        assert connection.is_read_only
        connection.is_read_only = False  # a client that does not care what the server says
        connection._handle.set_strict_mode(0)
        with pytest.raises(DriverError, match="write: command failed"):
            connection.pwrite(b"no", 0)
    assert text_at(writer, 0, 2) == bytes(2)


def test_a_certificate_from_before_the_end_does_not_open_what_has_the_same_id_afterwards(driver, ref):
    request = new_request()
    before = driver.export(ref, request, FIRST)
    driver.unexport(ref, request.attachment_id, LATER)
    after = driver.export(ref, request, LAST)
    assert is_refused(with_credentials_of(after, before))
    assert not is_refused(after)


def test_a_snapshot_is_read_by_tls_while_its_volume_is_written(driver, ref):
    write_at(driver.export(ref, new_request(), FIRST), 0, b"before")
    snapshot = keep(driver, ref)
    request = new_request("ro")
    info = driver.export_snapshot(snapshot, request, FIRST)
    write_at(driver.export(ref, new_request(), FIRST), 0, b"after!")
    assert text_at(info, 0, 6) == b"before"
    driver.unexport_snapshot(snapshot, request.attachment_id, LATER)
    assert is_refused(info)


def test_keys_can_be_read_by_their_owner_only_and_go_with_the_volume(driver, root, ref):
    driver.export(ref, new_request(), FIRST)
    files = [path for path in (root / "certificates").rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    driver.delete_volume(ref, LATER)
    assert list((root / "certificates" / "clients").iterdir()) == []


def test_the_authority_stays_and_the_server_s_certificate_follows_the_host(driver, root, ref):
    request = new_request()
    before = driver.export(ref, request, FIRST)
    LocalDriver.from_settings("local", {"path": str(root), "listen": "localhost"}).check()
    driver.stop_exports()
    renamed = LocalDriver.from_settings("local", {"path": str(root), "listen": "localhost"})
    info = renamed.export(ref, request, FIRST)
    assert info.data["host"] == "localhost"
    assert not is_refused(info)
    assert info.data["authority_certificate"] == before.data["authority_certificate"]


def narrow(root, first, last):
    settings = {"path": str(root), "listen": HERE, "first_port": first, "last_port": last}
    return LocalDriver.from_settings("local", settings)


def test_when_all_ports_are_taken_it_says_so_and_goes_on_when_one_is_free(root, ref, driver):
    request = new_request()
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        driver = narrow(root, port, port)
        with pytest.raises(BackendBusy, match=rf"No port from {port} to {port} is free.*last_port"):
            driver.export(ref, request, FIRST)
        assert driver.exports(ref) == frozenset()
    assert driver.export(ref, request, FIRST).data["port"] == port
    with pytest.raises(BackendBusy, match="1 belong to attachments"):
        driver.export(ref, new_request(), FIRST)
    driver.unexport(ref, request.attachment_id, LATER)  # which nobody fails who waits for a port
    other = new_request()
    driver.unexport(ref, next(iter(driver.exports(ref))), LATER)
    info = driver.export(ref, other, FIRST)
    assert info.data["port"] == port
    assert driver.exports(ref) == {other.attachment_id}
    assert not is_refused(info)
    with pytest.raises(InvalidConfiguration, match="last_port"):
        LocalDriver.from_settings("local", {"path": str(root), "first_port": 5000, "last_port": 4999})
