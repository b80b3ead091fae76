"""Restoring a backup: chunks in whatever order the packs have them, each proved, into a new or an old volume."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from backups.engine import format as fmt
from backups.engine.chunks import Readable
from backups.engine.crew import Buffers, Connections, Crew
from backups.engine.errors import Damaged, VolumeTooSmall
from backups.engine.format import Entry
from backups.engine.index import ChunkIndex
from backups.engine.manifest import Manifest, read_manifest, slots_of
from backups.engine.packs import neighbours
from backups.engine.progress import Checkpoint, Hooks, Meter
from backups.engine.repository import ProjectStore
from backups.engine.source import ChunkSource
from drivers.connect.base import Connection
from drivers.errors import ObjectMissing

Ids = dict[bytes, list[int]]
"""Chunks, each with the slots it belongs into."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to restore to. The connections all lead to the same volume."""

    connections: Sequence[Connection]
    is_fresh: bool
    """The volume is known to read as zeros, so zeros need not be written."""
    position: int = 0
    """What the last checkpoint said; the volume is the same and nobody else wrote to it since."""


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes and numbers of a restore."""

    window_bytes: int = 256 * 1024**2
    """Chunks of this much of the volume are sorted by where they are, then fetched; a checkpoint may follow."""
    range_bytes: int = 4 * 1024**2
    workers: int = 3
    checkpoint_s: float = 10.0


def restore(
    store: ProjectStore,
    backup_id: str,
    target: Target,
    *,
    digest: bytes | None = None,
    hooks: Hooks | None = None,
    options: Options | None = None,
    cache: Path | None = None,
) -> Manifest:
    """Make a volume's first bytes those of a backup, as many as it has; what comes after them is left alone.

    :raises VolumeTooSmall: if the backup is of a larger volume.
    :raises BackupMissing, Damaged, ManifestReplaced: if the backup is not there, not whole, or not the latest.
    :raises Cancelled: if `hooks` say so.
    """
    manifest, _ = read_manifest(store, backup_id, digest=digest)
    if target.connections[0].size < manifest.geometry.volume_bytes:
        raise VolumeTooSmall
    index = ChunkIndex(store, cache)
    job = _Job(ChunkSource(store, index), manifest, target, hooks or Hooks(), options=options or Options())
    try:
        index.refresh()
        job.run()
    finally:
        job.close()
        index.close()
    return manifest


class _Job:
    """One restore."""

    def __init__(
        self, source: ChunkSource, manifest: Manifest, target: Target, hooks: Hooks, *, options: Options
    ) -> None:
        self._source, self._manifest, self._target = source, manifest, target
        self._hooks, self._options = hooks, options
        self._geometry = manifest.geometry
        self._connections = Connections(target.connections)
        self._range_bytes = max(options.range_bytes, self._geometry.chunk_bytes + fmt.TAG_BYTES)
        self._buffers = Buffers([bytearray(self._range_bytes) for _ in range(options.workers)])
        self._crew = Crew(options.workers, "restore")
        self._lock = threading.Lock()
        self._written_bytes = 0

    def close(self) -> None:
        """Let the threads go."""
        self._crew.close()

    def run(self) -> None:
        """Restore window after window. Raises as `restore` does."""
        meter = Meter(self._hooks, self._geometry.volume_bytes, done_bytes=self._target.position)
        sequence, saved_at = 0, time.monotonic()
        for start, slots in self._windows():
            self._submit(start, slots)
            self._crew.drain()
            position = min((start + len(slots)) * self._geometry.chunk_bytes, self._geometry.volume_bytes)
            meter.tell(position, self._written_bytes)
            if time.monotonic() - saved_at >= self._options.checkpoint_s:
                self._flush()
                sequence, saved_at = sequence + 1, time.monotonic()
                self._hooks.on_checkpoint(Checkpoint(sequence, position))
        self._flush()
        meter.tell(self._geometry.volume_bytes, self._written_bytes, now=True)

    def _windows(self) -> Iterator[tuple[int, list[bytes | None]]]:
        """Yield (first slot, chunk ids) of one window after the other, from the last checkpoint on."""
        size = max(1, self._options.window_bytes // self._geometry.chunk_bytes)
        begin = self._target.position // self._geometry.chunk_bytes
        for number in range(begin // self._geometry.segment_slots, len(self._manifest.segments)):
            base = number * self._geometry.segment_slots
            if self._manifest.segments[number] is None and self._target.is_fresh:
                continue
            slots = slots_of(self._manifest, number, self._source)
            for at in range(max(0, begin - base), len(slots), size):
                yield base + at, slots[at : at + size]

    def _submit(self, start: int, slots: list[bytes | None]) -> None:
        """Have one window fetched and written. Raises what an earlier call raised."""
        wanted: Ids = defaultdict(list)
        for slot, chunk_id in enumerate(slots, start):
            if chunk_id is not None:
                wanted[chunk_id].append(slot)
        for pack_id, entries in self._ranges(wanted):
            self._crew.submit(partial(self._fetch, pack_id, entries, wanted))
        if not self._target.is_fresh:
            for is_zero, run in groupby(range(len(slots)), key=lambda slot: slots[slot] is None):
                if is_zero:
                    numbers = list(run)
                    self._crew.submit(partial(self._zero, start + numbers[0], len(numbers)))

    def _ranges(self, wanted: Ids) -> Iterator[tuple[bytes, list[Entry]]]:
        """Yield (pack, chunks that are neighbours in it), as many as one read should bring."""
        places = sorted(map(self._source.place, wanted), key=lambda place: (place.pack_id, place.entry.offset))
        for pack_id, of_pack in groupby(places, key=lambda place: place.pack_id):
            for entries in neighbours((place.entry for place in of_pack), self._range_bytes):
                yield pack_id, entries

    def _fetch(self, pack_id: bytes, entries: list[Entry], wanted: Ids) -> None:
        """Read neighbours in one go, and write each where it belongs. :raises Damaged: if one has no whole copy."""
        first, last = entries[0].offset, entries[-1]
        length = last.offset + last.stored_bytes - first
        with self._buffers.one() as buffer:
            whole = buffer if length <= len(buffer) else bytearray(length)
            with memoryview(whole)[:length] as view:
                found = self._read(pack_id, view, first)
                for entry in entries:
                    end = min(entry.offset - first + entry.stored_bytes, found)
                    with view[min(entry.offset - first, end) : end] as stored:
                        plain = self._open(pack_id, entry, stored)
                    self._write(plain, wanted[entry.chunk_id])

    def _read(self, pack_id: bytes, view: memoryview, offset: int) -> int:
        """Fill `view` from a pack, and return how much there was."""
        self._hooks.limit(len(view))
        name = self._source.store.prefix + fmt.pack_name(pack_id)
        try:
            return self._source.store.target.get_into(name, view, offset=offset)
        except ObjectMissing:
            return 0

    def _open(self, pack_id: bytes, entry: Entry, stored: memoryview) -> Readable:
        """Return a chunk's content, from another copy if this one is not whole. :raises Damaged: if none is."""
        try:
            return self._source.codec.open(pack_id, entry, stored)
        except Damaged:
            return self._source.fetch(entry.chunk_id)

    def _write(self, plain: Readable, slots: list[int]) -> None:
        """Write a chunk into its slots. :raises Damaged: if it does not fit into one."""
        for slot in slots:
            if len(plain) != self._geometry.length_of(slot):
                raise Damaged(f"The chunk of slot {slot} has the wrong size")
            with self._connections.one() as connection:
                connection.pwrite(plain, slot * self._geometry.chunk_bytes)
        with self._lock:
            self._written_bytes += len(plain) * len(slots)

    def _zero(self, slot: int, count: int) -> None:
        """Make slots zeros by punching holes; where the volume has some already nothing is done."""
        size = self._geometry.chunk_bytes
        start, end = slot * size, min((slot + count) * size, self._geometry.volume_bytes)
        with self._connections.one() as connection:
            for extent in list(connection.extents(start, end - start)):
                if extent.is_data:
                    connection.pwrite_zeroes(extent.length, extent.offset)

    def _flush(self) -> None:
        """Have everything written safe on the storage."""
        for connection in self._target.connections:
            connection.flush()
