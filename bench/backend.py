"""Volumes on a real local back-end, and the CPU seconds of the daemons that serve them."""

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.images import GIB, MIB, data_of
from drivers.connect import open_connection
from drivers.types import Connector, ExportRequest, Fence, SnapshotRef, VolumeRef
from drivers.volume.local import LocalDriver
from drivers.volume.local.processes import daemons_below

_TICKS = os.sysconf("SC_CLK_TCK")


class Volumes:
    """A back-end of its own; `close` ends every daemon of it."""

    def __init__(self, directory: Path) -> None:
        self._runtime = tempfile.TemporaryDirectory(prefix="cel-bench-", dir="/tmp")
        settings = {"path": str(directory / "backend"), "runtime_path": self._runtime.name}
        self._driver = LocalDriver.from_settings("bench", settings)
        self._driver.check()
        self._claims = 0

    def close(self) -> None:
        """End the daemons."""
        self._driver.stop_exports()
        self._runtime.cleanup()

    def make(self, size: int) -> VolumeRef:
        """Make a volume of zeros."""
        ref = VolumeRef(str(uuid.uuid4()), size // GIB)
        self._driver.create_volume(ref, self._fence())
        return ref

    def fill(self, ref: VolumeRef, image: Path) -> None:
        """Copy a file's data into a volume."""
        with self.exported(ref) as info, open_connection(info) as connection, image.open("rb") as file:
            for start, length in data_of(image):
                for offset in range(start, start + length, 8 * MIB):
                    content = os.pread(file.fileno(), min(8 * MIB, start + length - offset), offset)
                    connection.pwrite(content, offset)
            connection.flush()

    def write(self, ref: VolumeRef, changes: Iterable[tuple[int, bytes]]) -> None:
        """Change a volume."""
        with self.exported(ref) as info, open_connection(info) as connection:
            for offset, content in changes:
                connection.pwrite(content, offset)
            connection.flush()

    def keep(self, ref: VolumeRef) -> SnapshotRef:
        """Make a snapshot."""
        snapshot = SnapshotRef(str(uuid.uuid4()), ref, ref.size_gib)
        self._driver.create_snapshot(snapshot, self._fence())
        return snapshot

    def changed(self, snapshot: SnapshotRef, since: SnapshotRef) -> list[tuple[int, int]]:
        """Return what the back-end knows to have changed. :raises LookupError: if it does not know."""
        found = self._driver.changed_ranges(snapshot, since)
        if found is None:
            raise LookupError("The back-end does not know what has changed")
        return [(it.offset, it.length) for it in found]

    def delete(self, ref: VolumeRef) -> None:
        """Destroy a volume."""
        self._driver.delete_volume(ref, self._fence())

    @contextmanager
    def exported(self, thing: VolumeRef | SnapshotRef) -> Iterator[dict[str, Any]]:
        """Export a volume for writing, or a snapshot for reading, for as long as the block takes."""
        attachment_id, me = str(uuid.uuid4()), Connector("bench")
        if isinstance(thing, SnapshotRef):
            info = self._driver.export_snapshot(thing, ExportRequest(attachment_id, me, "ro"), self._fence())
        else:
            info = self._driver.export(thing, ExportRequest(attachment_id, me, "rw"), self._fence())
        try:
            yield asdict(info)
        finally:
            if isinstance(thing, SnapshotRef):
                self._driver.unexport_snapshot(thing, attachment_id, self._fence())
            else:
                self._driver.unexport(thing, attachment_id, self._fence())

    def cpu_s(self) -> float:
        """Return the CPU seconds that the daemons which run now have used."""
        total = 0.0
        for process in daemons_below(self._runtime_of_driver):
            total += cpu_s_of(process.pid)
            process.close()
        return total

    @property
    def _runtime_of_driver(self) -> Path:
        return Path(self._runtime.name) / "bench"

    def _fence(self) -> Fence:
        self._claims += 1
        return Fence(self._claims, 1)


def cpu_s_of(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
