"""Which TCP port belongs to which attachment: an empty file for each says it, in its name."""

import zlib
from collections.abc import Container, Sequence
from pathlib import Path

from drivers.errors import BackendBusy
from drivers.types import canonical_id
from drivers.volume.local.records import locked
from drivers.volume.local.slots import sync_directory, write_durably


class Ports:
    """An attachment keeps its port until it ends, whatever dies or is started again meanwhile.

    Clients were told the port once, and come back to it. Everything raises OSError as files do.
    """

    def __init__(self, directory: Path, ports: range) -> None:
        self._directory, self._ports = directory, ports

    def claim(self, attachment_id: str, *, but: Container[int] = ()) -> int:
        """Return the attachment's port, another one if it is among `but` or not one of ours any more.

        :raises BackendBusy: if all are taken.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._directory / "lock"):
            owners = self._owners()
            own = next((port for port, owner in owners.items() if owner == attachment_id), None)
            if own is not None and own in self._ports and own not in but:
                return own
            # Where to begin depends on the attachment, so that a port is not given to the next one at once.
            start = zlib.crc32(attachment_id.encode()) % len(self._ports)
            candidates = [*self._ports[start:], *self._ports[:start]]
            port = next((it for it in candidates if it not in owners and it not in but), None)
            if port is None:
                raise BackendBusy(
                    f"No port from {self._ports.start} to {self._ports.stop - 1} is free: {len(owners)} belong to "
                    f"attachments; end some, or set the entries 'first_port' and 'last_port' to a wider range"
                )
            if own is not None:
                self._file(own, attachment_id).unlink()
            write_durably(self._file(port, attachment_id), b"")
            sync_directory(self._directory)
            return int(port)

    def of(self, attachment_id: str) -> int | None:
        """Return the attachment's port, None if it has none."""
        return next((port for port, owner in self._owners().items() if owner == attachment_id), None)

    def release(self, attachment_ids: Sequence[str]) -> None:
        """Let others have the ports of attachments."""
        for port, owner in self._owners().items():
            if owner in attachment_ids:
                self._file(port, owner).unlink(missing_ok=True)

    def _file(self, port: int, attachment_id: str) -> Path:
        return self._directory / f"{port}.{canonical_id(attachment_id)}"

    def _owners(self) -> dict[int, str]:
        """Return the attachment that each taken port belongs to."""
        if not self._directory.is_dir():
            return {}
        names = (path.name.partition(".") for path in self._directory.iterdir())
        return {int(port): owner for port, _point, owner in names if owner}
