"""Connections to volumes by NBD, through libnbd."""

import errno
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from drivers.connect.base import Connection, Extent
from drivers.errors import BackendDown, BackendFull, DriverError, NotSupported, PermanentDriverError
from drivers.types import ConnectionInfo

try:
    import nbd
except ImportError:
    nbd = None

IS_THERE = nbd is not None
INSTALL = (
    "Python's libnbd is missing: apt-get install -y --no-install-recommends python3-libnbd, then link nbd.py and "
    "libnbdmod.*.so from /usr/lib/python3/dist-packages into this interpreter's site-packages"
)
CONNECT_S = 10.0
STALL_S = 120.0
"""How long a server may stay silent while it owes an answer."""
CLOSE_S = 2.0
CHUNK_BYTES = 1024 * 1024
"""Bytes of one request: smaller ones mean more waking, larger ones more memory that a server takes and gives back."""
IN_FLIGHT = 4
_STATUS_BYTES = 2 * 1024**3
_ZERO_BYTES = 64 * 1024 * 1024
"""What a server makes zeros at once; one that cannot punch holes writes them, within the time it may stay silent."""
_ALLOCATION = "base:allocation"
_STATE_ZERO = 2
_READ_ONLY = {errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Tls:
    """Where a server listens, whom to expect there, and how to prove who we are (PEM)."""

    host: str
    port: int
    authority_certificate: str
    client_certificate: str
    client_key: str = field(repr=False)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Read it from connection information. :raises KeyError: naming what is missing."""
        texts = (str(given[name]) for name in ("authority_certificate", "client_certificate", "client_key"))
        return cls(str(given["host"]), int(given["port"]), *texts)

    @contextmanager
    def laid_out(self) -> Iterator[str]:
        """Give a directory with the files as libnbd wants them, which is gone after the block."""
        files = {
            "ca-cert.pem": self.authority_certificate,
            "client-cert.pem": self.client_certificate,
            "client-key.pem": self.client_key,
        }
        with tempfile.TemporaryDirectory(prefix="celinder-") as folder:
            for name, content in files.items():
                path = Path(folder) / name
                path.touch(mode=0o600)
                path.write_text(content, encoding="ascii")
            yield folder


class NbdConnection(Connection):
    """An NBD session on a unix socket, or by TCP with certificates; a large transfer has several chunks on their way.

    libnbd's plain calls wait for ever on a server that hangs. Here commands are started, and waited for with a limit.
    """

    def __init__(
        self,
        path: str,
        export: str,
        *,
        tls: Tls | None = None,
        stall_s: float = STALL_S,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._name = f"NBD export {export} at {path}"
        self._stall_s = stall_s
        self._handle: Any = nbd.NBD()
        with self._session() as handle:
            handle.set_export_name(export)
            handle.add_meta_context(_ALLOCATION)
            if tls is None:
                handle.aio_connect_unix(path)
                self._wait(handle.aio_is_ready, CONNECT_S)
            else:
                with tls.laid_out() as folder:
                    handle.set_tls(nbd.TLS_REQUIRE)
                    handle.set_tls_verify_peer(True)
                    handle.set_tls_certificates(folder)
                    handle.aio_connect_tcp(tls.host, str(tls.port))
                    self._wait(handle.aio_is_ready, CONNECT_S)
            self.size = handle.get_size()
            self.is_read_only = bool(handle.is_read_only())
            self._chunk = min(chunk_bytes, handle.get_block_size(nbd.SIZE_MAXIMUM) or chunk_bytes)
            self._can_zero = bool(handle.can_zero())
            self._knows_holes = bool(handle.can_meta_context(_ALLOCATION))

    @classmethod
    def open(cls, info: ConnectionInfo) -> Self:
        """Connect to the server. Raises as the contract says."""
        if nbd is None:
            raise NotSupported(INSTALL)
        transport, kind = info.data.get("transport"), info.data.get("tls")
        try:
            export = str(info.data["export"])
            if transport == "unix":
                return cls(str(info.data["path"]), export)
            if (transport, kind) == ("tcp", "x509"):
                tls = Tls.from_mapping(info.data)
                return cls(f"{tls.host}:{tls.port}", export, tls=tls)
        except KeyError as error:
            raise NotSupported(f"The connection information lacks {error}") from None
        raise NotSupported(f"This host cannot reach NBD by {transport!r}, only by 'unix', or by 'tcp' with tls 'x509'")

    def flush(self) -> None:
        """Have the server write out everything. Raises as the contract says."""
        with self._session() as handle:
            if not self.is_read_only and handle.can_flush():
                self._finish(handle.aio_flush())

    def close(self) -> None:
        """Take leave of the server, if it listens."""
        if self._handle is None:
            return
        try:
            if self._handle.aio_is_ready() and not self._handle.aio_in_flight():
                self._handle.aio_disconnect()
                self._wait(self._handle.aio_is_closed, CLOSE_S)
        except (nbd.Error, BackendDown):
            pass  # it is gone already
        finally:
            self._handle = None

    def _read_into(self, view: memoryview, offset: int) -> None:
        self._transfer(view, offset, "aio_pread")

    def _write(self, view: memoryview, offset: int) -> None:
        self._transfer(view, offset, "aio_pwrite")

    def _write_zeroes(self, length: int, offset: int, *, may_unmap: bool) -> None:
        if not self._can_zero:
            super()._write_zeroes(length, offset, may_unmap=may_unmap)
            return
        with self._session() as handle:
            flags = 0 if may_unmap else nbd.CMD_FLAG_NO_HOLE
            self._pipelined(length, _ZERO_BYTES, lambda done, count: handle.aio_zero(count, offset + done, flags=flags))

    def _extents(self, length: int, offset: int) -> Iterator[Extent]:
        end = offset + length
        while offset < end:
            wanted = min(end - offset, _STATUS_BYTES)
            for count, is_data in self._status(wanted, offset) if self._knows_holes else [(wanted, True)]:
                yield Extent(offset, count, is_data)
                offset += count

    def _status(self, length: int, offset: int) -> list[tuple[int, bool]]:
        """Return (length, is data) for the first part, or all, of a range. :raises BackendDown: if none is told."""
        told: list[int] = []

        def note(context: str, _offset: int, entries: list[int], _error: object) -> int:
            if context == _ALLOCATION:
                told.extend(entries)
            return 0

        with self._session() as handle:
            self._finish(handle.aio_block_status(length, offset, note))
        found: list[tuple[int, bool]] = []
        for count, flags in zip(told[::2], told[1::2], strict=True):
            inside = min(count, length)  # the last one may go on beyond what was asked
            if inside > 0:
                found.append((inside, not flags & _STATE_ZERO))
            length -= inside
        if not found:
            raise BackendDown(f"{self._name} told nothing about its extents")
        return found

    def _transfer(self, view: memoryview, offset: int, command: str) -> None:
        """Run libnbd's `command` for each chunk of `view`, a few at a time. Raises as reading and writing do."""
        with self._session() as handle:
            start = getattr(handle, command)
            # The view as it is: libnbd 1.14 never lets an nbd.Buffer go.
            self._pipelined(len(view), self._chunk, lambda done, count: start(view[done : done + count], offset + done))

    def _pipelined(self, length: int, chunk: int, start: Callable[[int, int], int]) -> None:
        """Do a command for each chunk of `length`, a few at a time, each started by `start(done, count)`."""
        waiting: deque[int] = deque()
        for done in range(0, length, chunk):
            if len(waiting) == IN_FLIGHT:
                self._finish(waiting.popleft())
            waiting.append(start(done, min(chunk, length - done)))
        for cookie in waiting:
            self._finish(cookie)

    def _finish(self, cookie: int) -> None:
        """Wait until a command has succeeded. :raises nbd.Error, BackendDown: if it does not."""
        self._wait(partial(self._handle.aio_command_completed, cookie), self._stall_s)

    def _wait(self, is_done: Callable[[], bool], limit_s: float) -> None:
        """Let the session go on until something is done. :raises BackendDown: if it does not get there in time."""
        deadline = time.monotonic() + limit_s
        while not is_done():
            if self._handle.aio_is_dead() or self._handle.aio_is_closed():
                raise BackendDown(f"{self._name}: the server ended the session")
            left_ms = int((deadline - time.monotonic()) * 1000)
            if left_ms <= 0:
                raise BackendDown(f"{self._name}: no answer within {limit_s:g} s")
            self._handle.poll(left_ms)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """Give libnbd's handle, and turn its complaints into driver errors.

        After one nothing is known about what is still on its way, so the session is dropped without a word.

        :raises BackendFull, PermanentDriverError, BackendDown: as the complaint says; the last one also when closed.
        """
        if self._handle is None:
            raise BackendDown(f"{self._name}: the connection is closed")
        try:
            yield self._handle
        except nbd.Error as error:
            self._handle = None
            raise _meaning_of(error) from error
        except BaseException:
            self._handle = None
            raise


def _meaning_of(error: Any) -> DriverError:
    """Return the driver error for a complaint of libnbd."""
    if error.errnum in _FULL:
        return BackendFull(error.string)
    if error.errnum in _READ_ONLY:
        return PermanentDriverError(error.string)
    return BackendDown(error.string)
