"""Front daemons: each lets one attachment in by TCP, and leads to nothing but that attachment's export.

An NBD server has one list of those it admits, for all of its exports. So each attachment has a server of its own, which
knows one certificate and one export: that of the daemon behind it, which it reaches by a socket that no later daemon
will ever listen at. A front whose daemon has died is of no use any more, and must not be: a client that wrote to the
one that died must not be told by the next one that its bytes are safe.

A front keeps nothing to itself. What it has acknowledged the daemon behind it has acknowledged, so it may be killed.
"""

import contextlib
import errno
import logging
import secrets
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from drivers.errors import DriverError, TransientDriverError
from drivers.types import AccessMode
from drivers.volume.local.authority import Authority, Credentials, Standing
from drivers.volume.local.launching import Options, launch
from drivers.volume.local.monitor import Monitor
from drivers.volume.local.ports import Ports
from drivers.volume.local.processes import daemons_below

log = logging.getLogger(__name__)

_SOCKETS = "f-??????"
_PID_FILE_ENDING = ".pid"
_ID = "e-"
_ESTABLISHED = "01"


@dataclass(frozen=True, slots=True)
class Remote:
    """What a back-end has to be reached from other hosts: a name there, certificates, and ports."""

    host: str
    authority: Authority
    ports: Ports


class Behind(NamedTuple):
    """The daemon that fronts lead to: a word of its own, and its socket."""

    word: str
    socket: Path


class Front(NamedTuple):
    """What a front says of itself."""

    word: str
    pid: int
    attachment_id: str
    leads_to: str
    port: int
    admits: str
    server: Path


class Fronts:
    """The fronts in the directory of one daemon; the caller holds the lock of its volume or snapshot."""

    def __init__(self, directory: Path, remote: Remote) -> None:
        self._directory, self._remote = directory, remote

    def present(self, behind: Behind) -> dict[str, Front]:
        """Return the fronts that are as they shall be, by attachment. One that does not answer is not."""
        found: dict[str, Front] = {}
        for path in sorted(self._directory.glob(_SOCKETS)):
            front = _asked(path)
            if front is not None and self._is_right(front, behind):
                found.setdefault(front.attachment_id, front)
        return found

    def keep(self, behind: Behind, attachments: Collection[str]) -> None:
        """End all fronts but one of each attachment in `attachments`. :raises BackendBusy: if one does not end."""
        kept = [front.word for name, front in self.present(behind).items() if name in attachments]
        end_fronts(self._directory, but=kept)

    def open(self, behind: Behind, wanted: Mapping[str, AccessMode], *, needed: str = "") -> None:
        """Start the fronts that are missing, that of attachment `needed` first.

        :raises DriverError, OSError: if that one cannot be. Others are told in the log: nobody else shall suffer for
            them, and they are missed by whoever asks what is exported.
        """
        missing = wanted.keys() - self.present(behind).keys()
        for attachment_id in sorted(missing, key=lambda name: (name != needed, name)):
            try:
                self._start(behind, attachment_id, wanted[attachment_id])
            except (DriverError, OSError) as error:
                if attachment_id == needed:
                    raise
                log.warning("attachment %s has no front: %s", attachment_id, error)

    def renew(self, behind: Behind, wanted: Mapping[str, AccessMode]) -> None:
        """Replace fronts that show an old certificate, while nobody is connected or when there is no time left.

        Fronts that are not as they shall be are ended; who needs them asks for them.

        :raises DriverError, OSError: if one does not end.
        """
        present = self.present(behind)
        due = [name for name, front in present.items() if name in wanted and self._is_due(front)]
        if due:
            log.info("the fronts of %s get new certificates", ", ".join(due))
        kept = [front.word for name, front in present.items() if name in wanted and name not in due]
        end_fronts(self._directory, but=kept)
        self.open(behind, {name: wanted[name] for name in due})

    def _is_due(self, front: Front) -> bool:
        """Tell whether a front is to be replaced now. :raises OSError: if its certificate cannot be read."""
        standing = self._remote.authority.standing(front.server)
        return standing is Standing.OVER or (standing is Standing.OLD and not _has_clients(front))

    def _is_right(self, front: Front, behind: Behind) -> bool:
        """Tell whether a front leads where it shall, from where it shall, and lets in whom it shall."""
        try:
            credentials = self._remote.authority.credentials(front.attachment_id)
        except FileNotFoundError:
            return False
        is_reached = front.port == self._remote.ports.of(front.attachment_id)
        return is_reached and (front.leads_to, front.admits) == (behind.word, credentials.identity)

    def _start(self, behind: Behind, attachment_id: str, mode: AccessMode) -> None:
        """Start a front. :raises DriverError, OSError: if that fails; none remains."""
        credentials = self._remote.authority.admit(attachment_id)
        word = secrets.token_hex(3)
        control = self._directory / f"f-{word}"
        pid_file = control.with_suffix(_PID_FILE_ENDING)
        with self._listening(attachment_id) as listener:
            port, descriptor = listener.getsockname()[1], listener.fileno()
            options = self._server(descriptor, credentials)
            monitor = launch(control, pid_file, options, handing_over=[descriptor])
        with monitor:
            try:
                way = {"type": "unix", "path": str(behind.socket)}
                node = {"driver": "nbd", "server": way, "export": attachment_id, "discard": "unmap"}
                name = f"m-{behind.word}-{port}"
                monitor.execute("blockdev-add", node_name=name, read_only=mode == "ro", **node)
                # Made last, so a front that has it is complete.
                export = {"type": "nbd", "name": attachment_id, "writable": mode == "rw"}
                monitor.execute("block-export-add", id=_ID + attachment_id, node_name=name, **export)
            except BaseException:
                monitor.process.end(at_once=True)
                _remove(control)
                raise

    def _server(self, descriptor: int, credentials: Credentials) -> Options:
        """Return the options of a front that listens for those with these credentials, and has nothing for them yet."""
        files = {"dir": str(self._remote.authority.server), "endpoint": "server", "verify-peer": True}
        address = {"type": "fd", "str": str(descriptor)}
        tls = {"tls-creds": "credentials", "tls-authz": "admitted"}
        return [
            ("--object", {"qom-type": "tls-creds-x509", "id": "credentials", **files}),
            ("--object", {"qom-type": "authz-simple", "id": "admitted", "identity": credentials.identity}),
            ("--nbd-server", {"addr": address, "max-connections": 0, **tls}),
        ]

    def _listening(self, attachment_id: str) -> socket.socket:
        """Return a socket that listens at the attachment's port. :raises BackendBusy, OSError: if there is none."""
        used_by_others: set[int] = set()
        while True:
            port = self._remote.ports.claim(attachment_id, but=used_by_others)
            found = socket.getaddrinfo(self._remote.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, kind, protocol, _name, address = found[0]
            with contextlib.ExitStack() as opened:
                listener = opened.enter_context(socket.socket(family, kind, protocol))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # QEMU 7.2 does not ask for this, and each small answer would wait 40 ms for the client's kernel.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    listener.bind(address)
                    listener.listen()
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    used_by_others.add(port)
                else:
                    opened.pop_all()
                    return listener


def end_fronts(directory: Path, *, but: Collection[str] = ()) -> None:
    """End the fronts of the daemon in `directory`, also those that cannot be asked. :raises BackendBusy: as ending."""
    kept = {f"f-{word}{_PID_FILE_ENDING}" for word in but}
    for process in daemons_below(directory):
        with contextlib.closing(process):
            name = Path(process.pid_file).name
            if name.endswith(_PID_FILE_ENDING) and name not in kept:
                process.end(at_once=True)
    for path in directory.glob(_SOCKETS):
        if path.name.removeprefix("f-") not in but:
            _remove(path)


def _asked(path: Path) -> Front | None:
    """Return what the front behind a QMP socket says; None if it is not complete, or does not answer."""
    try:
        with Monitor(path) as monitor:
            (export,) = monitor.execute("query-block-exports")
            _m, leads_to, port = export["node-name"].split("-")
            return Front(
                path.name.removeprefix("f-"),
                monitor.process.pid,
                export["id"].removeprefix(_ID),
                leads_to,
                int(port),
                monitor.execute("qom-get", path="/objects/admitted", property="identity"),
                Path(monitor.execute("qom-get", path="/objects/credentials", property="dir")),
            )
    except (ConnectionRefusedError, FileNotFoundError, TransientDriverError, ValueError):
        return None


def _has_clients(front: Front) -> bool:
    """Tell whether anybody is connected to a front, by what the kernel says where the front lives."""
    return any(
        local.endswith(f":{front.port:04X}") and state == _ESTABLISHED for local, state in _connections(front.pid)
    )


def _connections(pid: int) -> Iterator[tuple[str, str]]:
    """Yield local address and state of each TCP connection; none if the process is over."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                _number, local, _remote, state, *_rest = line.split()
                yield local, state


def _remove(control: Path) -> None:
    """Remove the files of a front. :raises OSError: if that fails."""
    control.unlink(missing_ok=True)
    control.with_suffix(_PID_FILE_ENDING).unlink(missing_ok=True)
