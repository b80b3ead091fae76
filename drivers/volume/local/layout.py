"""The names of files and sockets below a local back-end's directories: the only place where one is made."""

import base64
import binascii
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.types import UUID_PATTERN, Fence, canonical_id

SOCKET_PATH_BYTES = 107
"""What fits into a unix socket's address on Linux."""
LONGEST_SOCKET_NAME = "/" + "x" * 26 + "/q-123456"

_VOLUME = re.compile(rf"volume-({UUID_PATTERN})\.qcow2", re.ASCII)
_LAYERED = re.compile(rf"\.?(?:volume|snapshot)-({UUID_PATTERN})", re.ASCII)
_TEMPORARY = re.compile(rf"\.volume-({UUID_PATTERN})\.(\d+)\.(\d+)\.tmp", re.ASCII)
_RECORD = re.compile(rf"({UUID_PATTERN})\.(?:lock|json)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """Below `root`: volumes, their layers, fence records, the host marker. Below `runtime`: a directory per daemon."""

    root: Path
    runtime: Path

    @property
    def volumes(self) -> Path:
        """Return the directory of the image files."""
        return self.root / "volumes"

    @property
    def manageable(self) -> Path:
        """Return the directory where operators put images that are to become volumes."""
        return self.root / "manageable"

    @property
    def layers(self) -> Path:
        """Return the directory with a directory of layers for each volume that was ever opened, and each snapshot."""
        return self.root / "layers"

    @property
    def fences(self) -> Path:
        """Return the directory of the fence records and their locks."""
        return self.root / "fences"

    @property
    def certificates(self) -> Path:
        """Return the directory of keys and certificates."""
        return self.root / "certificates"

    @property
    def ports(self) -> Path:
        """Return the directory that tells which port belongs to which attachment."""
        return self.root / "ports"

    @property
    def capacity_lock(self) -> Path:
        """Return the file that is locked while room is counted and taken."""
        return self.root / "capacity.lock"

    @property
    def marker(self) -> Path:
        """Return the file that says which host and back-end this directory belongs to."""
        return self.root / "host.json"

    def image(self, volume_id: str) -> Path:
        """Return a volume's file. :raises InvalidName: for anything but a UUID."""
        return self.volumes / f"volume-{canonical_id(volume_id)}.qcow2"

    def volume_layers(self, volume_id: str) -> Path:
        """Return the directory of a volume's layers. :raises InvalidName: for anything but a UUID."""
        return self.layers / f"volume-{canonical_id(volume_id)}"

    def snapshot_layers(self, snapshot_id: str) -> Path:
        """Return the directory of a snapshot's layers. :raises InvalidName: for anything but a UUID."""
        return self.layers / f"snapshot-{canonical_id(snapshot_id)}"

    def temporary(self, volume_id: str, fence: Fence) -> Path:
        """Return the file one claim prepares before it becomes a volume. :raises InvalidName: for no UUID."""
        return self.volumes / f".volume-{canonical_id(volume_id)}.{fence.operation}.{fence.claim}.tmp"

    def lock(self, volume_id: str) -> Path:
        """Return the file that is locked while a claim acts on a volume. :raises InvalidName: for no UUID."""
        return self.fences / f"{canonical_id(volume_id)}.lock"

    def record(self, volume_id: str) -> Path:
        """Return the file with a volume's fence book. :raises InvalidName: for anything but a UUID."""
        return self.fences / f"{canonical_id(volume_id)}.json"

    def run_directory(self, volume_id: str) -> Path:
        """Return the directory of a volume's daemon; 26 characters for its id. :raises InvalidName: for no UUID."""
        packed = base64.b32encode(uuid.UUID(canonical_id(volume_id)).bytes)
        return self.runtime / packed.decode("ascii").rstrip("=").lower()

    def volume_ids(self) -> Iterator[str]:
        """Yield the id of every volume. :raises OSError: if the directory cannot be read."""
        for path in self.volumes.iterdir():
            if (match := _VOLUME.fullmatch(path.name)) is not None:
                yield match[1]

    def snapshot_ids(self) -> Iterator[str]:
        """Yield the id of every directory of a snapshot. :raises OSError: if they cannot be read."""
        for path in self.layers.glob("snapshot-*"):
            if (match := _LAYERED.fullmatch(path.name)) is not None:
                yield match[1]

    def layered_ids(self) -> set[str]:
        """Return the id of every volume and snapshot with layers, or drafts of such. :raises OSError: likewise."""
        return {match[1] for path in self.layers.iterdir() if (match := _LAYERED.fullmatch(path.name)) is not None}

    def temporaries(self) -> Iterator[tuple[str, Fence, Path]]:
        """Yield volume id, claim and path of every file being prepared. :raises OSError: as `volume_ids`."""
        for path in self.volumes.iterdir():
            if (match := _TEMPORARY.fullmatch(path.name)) is not None:
                yield match[1], Fence(int(match[2]), int(match[3])), path

    def recorded_ids(self) -> set[str]:
        """Return the id of every volume with a fence record or lock. :raises OSError: if it cannot be read."""
        return {match[1] for path in self.fences.iterdir() if (match := _RECORD.fullmatch(path.name)) is not None}

    def running_ids(self) -> list[str]:
        """Return the id of every volume with a run directory. :raises OSError: if it cannot be read."""
        return [name for path in self.runtime.iterdir() if (name := _unpacked(path.name)) is not None]


def _unpacked(name: str) -> str | None:
    """Return the volume id that a run directory's name stands for, or None if it stands for none."""
    try:
        return str(uuid.UUID(bytes=base64.b32decode(name.upper() + "======")))
    except (ValueError, binascii.Error):
        return None
