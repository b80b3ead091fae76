"""Threads that read spans of a volume and turn each chunk into an id, storing those that are not stored yet."""

import threading
from collections.abc import Sequence
from functools import partial

from backups.engine.crew import Buffers, Connections, Crew
from backups.engine.index import ChunkIndex
from backups.engine.keys import ProjectKeys
from backups.engine.manifest import Geometry
from backups.engine.packs import PackWriter
from drivers.connect.base import Connection


class SpanReaders:
    """A few threads with a buffer each. More threads than connections: while one reads the others compute."""

    def __init__(
        self,
        connections: Sequence[Connection],
        geometry: Geometry,
        keys: ProjectKeys,
        index: ChunkIndex,
        packs: PackWriter,
        *,
        workers: int,
        span_bytes: int,
    ) -> None:
        self._geometry, self._keys, self._index, self._packs = geometry, keys, index, packs
        self.span_slots = max(1, span_bytes // geometry.chunk_bytes)
        self._zeros = bytearray(geometry.chunk_bytes)
        self.connections = Connections(connections)
        self._buffers = Buffers([bytearray(self.span_slots * geometry.chunk_bytes) for _ in range(workers)])
        self._crew = Crew(workers, "read")
        self._lock = threading.Lock()
        self.read_bytes = 0
        self.chunks_bytes = 0

    def submit(self, slots: list[bytes | None], base: int, first: int, count: int) -> None:
        """Have slots `first` to `first + count` of a segment that begins at slot `base` read and filled in.

        Waits while enough spans are under way. Raises what an earlier one raised.
        """
        self._crew.submit(partial(self._span, slots, base, first, count))

    def drain(self) -> None:
        """Return once all spans are filled in. Raises what one of them raised."""
        self._crew.drain()

    def close(self) -> None:
        """Let the threads go after what they are at."""
        self._crew.close()

    def _span(self, slots: list[bytes | None], base: int, first: int, count: int) -> None:
        """Read one span and work through its chunks. Raises as connections and targets do."""
        size = self._geometry.chunk_bytes
        start = (base + first) * size
        length = min(count * size, self._geometry.volume_bytes - start)
        with self._buffers.one() as buffer, memoryview(buffer)[:length] as view:
            with self.connections.one() as connection:
                connection.pread_into(view, start)
            for number in range(count):
                with view[number * size : (number + 1) * size] as chunk:
                    slots[first + number] = self._chunk(chunk)

    def _chunk(self, chunk: memoryview) -> bytes | None:
        """Return the id of a chunk, which is or will be stored; None if it is zeros."""
        zeros = self._zeros if len(chunk) == len(self._zeros) else bytearray(len(chunk))
        is_zero = zeros == chunk  # in this order Python compares memory, the other way round byte by byte
        with self._lock:
            self.read_bytes += len(chunk)
            self.chunks_bytes += 0 if is_zero else len(chunk)
        if is_zero:
            return None
        chunk_id = self._keys.id_of(chunk)
        if self._index.claim(chunk_id):
            self._packs.add(chunk_id, chunk)
        return chunk_id
