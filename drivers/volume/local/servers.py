"""How the exports of a daemon are reached: through its socket on this host, or through fronts from others."""

import contextlib
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

from drivers.errors import BackendDown
from drivers.types import AccessMode, ConnectionInfo, ExportRequest
from drivers.volume.local.fronts import Behind, Fronts, Remote
from drivers.volume.local.monitor import Monitor


class Server(ABC):
    """The server of the one daemon that lives in `directory`. The daemon is always reached by a socket there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def start(self, monitor: Monitor) -> None:
        """Make a fresh daemon listen. :raises DriverError, OSError: if it cannot."""
        address = {"type": "unix", "data": {"path": str(self.socket(monitor))}}
        monitor.execute("nbd-server-start", addr=address, max_connections=0)

    def is_known(self, monitor: Monitor) -> bool:
        """Tell whether the way to a running daemon is still there."""
        with contextlib.suppress(FileNotFoundError):
            return stat.S_ISSOCK(self.socket(monitor).stat().st_mode)
        return False

    def close_to_others(self, monitor: Monitor, attachments: Collection[str]) -> None:  # noqa: B027 nothing to do
        """End the ways of all but these attachments. :raises DriverError, OSError: if one does not end."""

    def open_to(  # noqa: B027 nothing to do
        self, monitor: Monitor, wanted: Mapping[str, AccessMode], *, needed: str = ""
    ) -> None:
        """Make the ways to these exports, which the daemon has. :raises DriverError, OSError: if `needed` has none."""

    def renew(self, monitor: Monitor, wanted: Mapping[str, AccessMode]) -> None:  # noqa: B027 nothing grows old
        """Replace ways that have grown old. :raises DriverError, OSError: if that fails."""

    def reached(self, _monitor: Monitor, exports: frozenset[str]) -> frozenset[str]:
        """Return those of the daemon's exports that there is a way to."""
        return exports

    @abstractmethod
    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Return what a client needs, and nothing else. :raises DriverError, OSError: if it cannot be found out."""

    @abstractmethod
    def socket(self, monitor: Monitor) -> Path:
        """Return where the daemon listens for NBD."""

    def _about(self, volume_id: str, request: ExportRequest, snapshot_id: str) -> dict[str, str | int]:
        """Return the members that are the same for all servers."""
        found: dict[str, str | int] = {
            "export": request.attachment_id,
            "volume_id": volume_id,
            "access_mode": request.mode,
        }
        return found | {"snapshot_id": snapshot_id} if snapshot_id else found


class UnixServer(Server):
    """Clients use the daemon's socket, which keeps one name: who may enter its directory that may connect."""

    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Tell the socket's path."""
        path = str(self._directory / "n")
        way = {"transport": "unix", "path": path, "uri": f"nbd+unix:///{request.attachment_id}?socket={quote(path)}"}
        return ConnectionInfo("nbd", way | self._about(volume_id, request, snapshot_id))

    def socket(self, _monitor: Monitor) -> Path:
        """Return where every daemon of this volume listens."""
        return self._directory / "n"


class TlsServer(Server):
    """A front for each attachment: who proves to be that attachment gets in there, to its own export."""

    def __init__(self, directory: Path, remote: Remote) -> None:
        super().__init__(directory)
        self._remote = remote
        self._fronts = Fronts(directory, remote)

    def close_to_others(self, monitor: Monitor, attachments: Collection[str]) -> None:
        """End the fronts of others. Raises as declared."""
        self._fronts.keep(self._behind(monitor), attachments)

    def open_to(self, monitor: Monitor, wanted: Mapping[str, AccessMode], *, needed: str = "") -> None:
        """Start the fronts that are missing. :raises BackendBusy: if there is no port. Others as declared."""
        self._fronts.open(self._behind(monitor), wanted, needed=needed)

    def renew(self, monitor: Monitor, wanted: Mapping[str, AccessMode]) -> None:
        """Replace fronts whose certificates have grown old. Raises as declared."""
        self._fronts.renew(self._behind(monitor), wanted)

    def reached(self, monitor: Monitor, exports: frozenset[str]) -> frozenset[str]:
        """Ask the fronts. Raises as declared."""
        return exports.intersection(self._fronts.present(self._behind(monitor)))

    def connection_info(self, volume_id: str, request: ExportRequest, *, snapshot_id: str = "") -> ConnectionInfo:
        """Tell the attachment's port and credentials. Raises as declared."""
        port = self._remote.ports.of(request.attachment_id)
        if port is None:
            raise BackendDown(f"Attachment {request.attachment_id} has lost its port")
        own = self._remote.authority.credentials(request.attachment_id)
        name = self._remote.host
        host = f"[{name}]" if ":" in name else name
        way = {
            "transport": "tcp",
            "host": name,
            "port": port,
            "tls": "x509",
            "uri": f"nbds://{host}:{port}/{request.attachment_id}",
            "authority_certificate": own.authority,
            "client_certificate": own.certificate,
            "client_key": own.key,
        }
        return ConnectionInfo("nbd", way | self._about(volume_id, request, snapshot_id))

    def _behind(self, monitor: Monitor) -> Behind:
        """Return how fronts reach the daemon."""
        return Behind(monitor.path.name.removeprefix("q-"), self.socket(monitor))

    def socket(self, monitor: Monitor) -> Path:
        """Return a socket of this daemon's own: what belongs to another one must not find it."""
        return self._directory / f"n-{monitor.path.name.removeprefix('q-')}"
