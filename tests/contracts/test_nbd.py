"""NBD connections keep the contract, on the local back-end's daemon and on another program's server."""

import os
import socket as socket_module
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from drivers.connect import nbd, open_connection
from drivers.connect.nbd import NbdConnection
from drivers.errors import BackendDown, BackendFull, NotSupported
from drivers.types import ConnectionInfo, Connector, ExportRequest, Fence, VolumeRef
from drivers.volume.local import LocalDriver
from tests.contracts.connector import MIB, ConnectorContract
from tests.contracts.machine import eventually, needs_libnbd, needs_local, needs_nbdkit

pytestmark = needs_libnbd


def _listens(path):
    """Tell whether somebody accepts connections; the file is there a moment earlier."""
    with socket_module.socket(socket_module.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="celinder-") as name:
        yield Path(name)


@pytest.fixture
def serve(folder):
    """Give a function that starts nbdkit with arguments and returns connection information."""
    servers = []

    def serve(*arguments, mode="rw"):
        socket = folder / f"s{len(servers)}"
        argv = ["nbdkit", "--foreground", "--exit-with-parent", "--unix", str(socket), *arguments]
        servers.append(subprocess.Popen(argv, stderr=subprocess.DEVNULL))
        eventually(lambda: _listens(socket), "the start of nbdkit")
        return ConnectionInfo("nbd", {"transport": "unix", "path": str(socket), "export": "", "access_mode": mode})

    yield serve
    for server in servers:
        server.kill()
        server.wait(10)


@needs_local
class TestConnectionToTheLocalBackend(ConnectorContract):
    @pytest.fixture
    def reach(self, folder):
        driver = LocalDriver.from_settings("local", {"path": str(folder)})
        driver.check()
        ref = VolumeRef(str(uuid.uuid4()), 1)
        driver.create_volume(ref, Fence(1, 1))

        def reach(mode):
            request = ExportRequest(str(uuid.uuid4()), Connector("here"), mode)
            return open_connection(driver.export(ref, request, Fence(1, 1)))

        yield reach
        driver.delete_volume(ref, Fence(2, 1))


@needs_nbdkit
class TestConnectionToAnotherServer(ConnectorContract):
    """nbdkit with a sparse file, taking no more than 64 KiB at once."""

    @pytest.fixture
    def reach(self, folder, serve):
        image = folder / "image"
        image.touch()
        os.truncate(image, 80 * MIB)
        limits = ["--filter=blocksize-policy", "blocksize-maximum=64K", "blocksize-error-policy=error"]
        writer = serve(*limits[:1], "file", str(image), *limits[1:])
        reader = serve("--readonly", *limits[:1], "file", str(image), *limits[1:])
        return lambda mode: open_connection(writer if mode == "rw" else reader)


@needs_nbdkit
@pytest.mark.parametrize(("failure", "kind"), [("ENOSPC", BackendFull), ("EIO", BackendDown)])
def test_a_server_s_error_decides_whether_a_later_time_helps(serve, failure, kind):
    info = serve("--filter=error", "memory", "1M", f"error-pwrite={failure}", "error-pwrite-rate=100%")
    with open_connection(info) as connection:
        with pytest.raises(kind):
            connection.pwrite(b"x", 0)
        with pytest.raises(BackendDown):
            connection.pread(1, 0)


@needs_nbdkit
def test_one_failed_chunk_of_many_fails_the_transfer(serve):
    info = serve("--filter=error", "memory", "64M", "error-pread=EIO", "error-pread-rate=50%")
    with open_connection(info) as connection, pytest.raises(BackendDown):
        connection.pread(64 * MIB, 0)


@needs_nbdkit
def test_a_server_that_stops_answering_is_given_up(serve, folder):
    info = serve("--filter=delay", "memory", "1M", "rdelay=30")
    connection = NbdConnection(info.data["path"], "", stall_s=0.2)
    with pytest.raises(BackendDown, match="no answer"):
        connection.pread(1, 0)
    connection.close()


@needs_nbdkit
def test_a_server_that_knows_no_holes_has_data_everywhere(serve):
    with open_connection(serve("--filter=noextents", "memory", "8M")) as connection:
        assert list(connection.extents()) == [(0, 8 * MIB, True)]


@needs_nbdkit
def test_a_server_that_cannot_make_zeros_is_sent_them(serve):
    with open_connection(serve("--filter=nozero", "memory", "8M")) as connection:
        connection.pwrite(b"\1" * 3 * MIB, MIB)
        connection.pwrite_zeroes(2 * MIB + 1, MIB + 1)
        assert connection.pread(3 * MIB, MIB) == b"\1" + bytes(2 * MIB + 1) + b"\1" * (MIB - 2)


def test_a_socket_nobody_listens_at_is_told(folder):
    with pytest.raises(BackendDown):
        open_connection({"driver_volume_type": "nbd", "transport": "unix", "path": str(folder / "no"), "export": "x"})


def test_incomplete_information_is_told():
    with pytest.raises(NotSupported, match="path"):
        open_connection({"driver_volume_type": "nbd", "data": {"transport": "unix", "export": "x"}})
    with pytest.raises(NotSupported, match="tcp"):
        open_connection({"driver_volume_type": "nbd", "data": {"transport": "tcp", "export": "x"}})


def test_an_unknown_protocol_is_told_with_those_that_are_known():
    with pytest.raises(NotSupported, match="memory, nbd"):
        open_connection({"driver_volume_type": "carrier-pigeon", "data": {}})


def test_a_missing_library_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(nbd, "nbd", None)
    with pytest.raises(NotSupported, match="python3-libnbd"):
        open_connection({"driver_volume_type": "nbd", "data": {"transport": "unix", "path": "/x", "export": "x"}})
