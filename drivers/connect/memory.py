"""Connections to volumes of the memory back-end, inside the process that has them."""

from collections.abc import Iterator
from typing import Self

from drivers import memory_pool
from drivers.connect.base import Connection, Extent
from drivers.errors import BackendDown, NotSupported
from drivers.memory_pool import SparseBytes
from drivers.types import AccessMode, ConnectionInfo


class MemoryConnection(Connection):
    """Reads and writes the pool directly; each call asks anew whether the attachment is still let in."""

    def __init__(self, pool: str, volume_id: str, export: str, snapshot_id: str = "") -> None:
        self._pool, self._volume_id, self._export, self._snapshot_id = pool, volume_id, export, snapshot_id
        self._is_closed = False
        mode, content = self._reach()
        self.size = content.size
        self.is_read_only = mode == "ro"

    @classmethod
    def open(cls, info: ConnectionInfo) -> Self:
        """Find the volume in this process. Raises as the contract says."""
        try:
            pool, volume_id, export = (str(info.data[name]) for name in ("pool", "stored_as", "export"))
            return cls(pool, volume_id, export, str(info.data.get("snapshot_id", "")))
        except KeyError as error:
            raise NotSupported(f"The connection information lacks {error}") from None

    def flush(self) -> None:
        """Find nothing to do, while the attachment is let in."""
        self._reach()

    def close(self) -> None:
        """Refuse all further use."""
        self._is_closed = True

    def _reach(self) -> tuple[AccessMode, SparseBytes]:
        """Return the mode and the bytes. :raises BackendDown: if the attachment is not let in (any more)."""
        pool = memory_pool.pool(self._pool)
        with pool.lock:
            found = pool.snapshots.get(self._snapshot_id) if self._snapshot_id else pool.volumes.get(self._volume_id)
            if self._is_closed or found is None or self._export not in found.exports:
                raise BackendDown(f"volume-{self._volume_id} is not exported as {self._export}")
            return found.exports[self._export], found.content

    def _read_into(self, view: memoryview, offset: int) -> None:
        with memory_pool.pool(self._pool).lock:
            view[:] = self._reach()[1].read(len(view), offset)

    def _write(self, view: memoryview, offset: int) -> None:
        with memory_pool.pool(self._pool).lock:
            self._reach()[1].write(view, offset)

    def _write_zeroes(self, length: int, offset: int, *, may_unmap: bool) -> None:
        with memory_pool.pool(self._pool).lock:
            self._reach()[1].zero(length, offset, may_unmap=may_unmap)

    def _extents(self, length: int, offset: int) -> Iterator[Extent]:
        with memory_pool.pool(self._pool).lock:
            found = list(self._reach()[1].extents(offset, length))
        for start, count, is_data in found:
            yield Extent(start, count, is_data)
