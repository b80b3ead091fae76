"""How an export daemon is reached: through a socket on this host, or by TCP with certificates from others."""

import contextlib
import stat
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

from drivers.errors import BackendDown
from drivers.types import ConnectionInfo, ExportRequest
from drivers.volume.local.authority import Authority
from drivers.volume.local.monitor import Monitor
from drivers.volume.local.slots import write_durably


class Server(ABC):
    """The server of the one daemon that lives in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @abstractmethod
    def start(self, monitor: Monitor) -> None:
        """Make a fresh daemon listen. :raises DriverError, OSError: if it cannot."""

    @abstractmethod
    def is_known(self) -> bool:
        """Tell whether the way to a running daemon is still there."""

    @abstractmethod
    def admit(self, monitor: Monitor, attachments: Collection[str]) -> None:
        """Let exactly these attachments begin sessions from now on. :raises DriverError: if the daemon refuses."""

    @abstractmethod
    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Return what a client needs, and nothing else. :raises OSError: if it cannot be found out."""

    def _about(self, volume_id: str, request: ExportRequest, snapshot_id: str) -> dict[str, str | int]:
        """Return the members that are the same for all servers."""
        found: dict[str, str | int] = {
            "export": request.attachment_id,
            "volume_id": volume_id,
            "access_mode": request.mode,
        }
        return found | {"snapshot_id": snapshot_id} if snapshot_id else found


class UnixServer(Server):
    """A socket in the daemon's directory: who may enter that may connect."""

    @property
    def _socket(self) -> Path:
        return self._directory / "n"

    def start(self, monitor: Monitor) -> None:
        """Listen on the socket. Raises as declared."""
        address = {"type": "unix", "data": {"path": str(self._socket)}}
        monitor.execute("nbd-server-start", addr=address, max_connections=0)

    def is_known(self) -> bool:
        """Tell whether the socket is there."""
        with contextlib.suppress(FileNotFoundError):
            return stat.S_ISSOCK(self._socket.stat().st_mode)
        return False

    def admit(self, _monitor: Monitor, _attachments: Collection[str]) -> None:
        """Find nothing to do: whoever may enter the directory knows the names that are exported."""

    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Tell the socket's path."""
        path = str(self._socket)
        way = {"transport": "unix", "path": path, "uri": f"nbd+unix:///{request.attachment_id}?socket={quote(path)}"}
        return ConnectionInfo("nbd", way | self._about(volume_id, request, snapshot_id))


class TlsServer(Server):
    """A port on `host`: only who proves to be an attachment that is on the daemon's list gets in.

    The list belongs to the daemon, which serves one volume or snapshot. A port is kept as long as the daemon's
    directory is; the first one tried depends on the directory's name, so that clients mostly find it again later.
    """

    def __init__(self, directory: Path, authority: Authority, host: str, ports: range) -> None:
        super().__init__(directory)
        self._authority, self._host, self._ports = authority, host, ports

    @property
    def _note(self) -> Path:
        return self._directory / "port"

    def start(self, monitor: Monitor) -> None:
        """Listen on the first port that is free. :raises BackendDown: if none is. Others as declared."""
        credentials = {"dir": str(self._authority.server), "endpoint": "server", "verify_peer": True}
        files = {name.replace("_", "-"): value for name, value in credentials.items()}
        monitor.execute("object-add", qom_type="tls-creds-x509", id="credentials", **files)
        monitor.execute("object-add", qom_type="authz-list", id="admitted", policy="deny", rules=[])
        for port in self._candidates():
            address = {"type": "inet", "data": {"host": self._host, "port": str(port)}}
            try:
                monitor.execute(
                    "nbd-server-start", addr=address, tls_creds="credentials", tls_authz="admitted", max_connections=0
                )
            except BackendDown as error:
                if "in use" not in error.message:
                    raise
            else:
                write_durably(self._note, str(port).encode())
                return
        raise BackendDown(f"No port from {self._ports.start} to {self._ports.stop - 1} is free on {self._host}")

    def is_known(self) -> bool:
        """Tell whether the port is noted."""
        return self._note.exists()

    def admit(self, monitor: Monitor, attachments: Collection[str]) -> None:
        """Replace the daemon's list. Raises as declared."""
        rules = [{"match": f"CN={it}", "policy": "allow", "format": "exact"} for it in sorted(attachments)]
        monitor.execute("qom-set", path="/objects/admitted", property="rules", value=rules)

    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Tell the port, and the attachment's own credentials. Raises as declared."""
        port = int(self._note.read_text(encoding="ascii"))
        own = self._authority.admit(request.attachment_id)
        host = f"[{self._host}]" if ":" in self._host else self._host
        way = {
            "transport": "tcp",
            "host": self._host,
            "port": port,
            "tls": "x509",
            "uri": f"nbds://{host}:{port}/{request.attachment_id}",
            "authority_certificate": own.authority,
            "client_certificate": own.certificate,
            "client_key": own.key,
        }
        return ConnectionInfo("nbd", way | self._about(volume_id, request, snapshot_id))

    def _candidates(self) -> list[int]:
        """Return the ports to try, the one used before first."""
        start = zlib.crc32(self._directory.name.encode()) % len(self._ports)
        found = [*self._ports[start:], *self._ports[:start]]
        with contextlib.suppress(FileNotFoundError):
            found.insert(0, int(self._note.read_text(encoding="ascii")))
        return found
