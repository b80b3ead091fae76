"""The contract of a connection: reading and writing the bytes of a volume that was exported to this host."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

from drivers.errors import PermanentDriverError
from drivers.types import ConnectionInfo

_ZEROS = bytes(1024 * 1024)

Readable = bytes | bytearray | memoryview
Writable = bytearray | memoryview


class Extent(NamedTuple):
    """A range of a volume. Where `is_data` is false it reads as zeros without being read."""

    offset: int
    length: int
    is_data: bool


class Connection(ABC):
    """An open connection to one exported volume, for one thread at a time. Offsets and lengths are bytes.

    Every call either does all it was asked or raises, within bounded time: `BackendDown` when the other side is gone,
    does not answer, or has withdrawn the export. After that, and after `BackendFull`, the connection is of no use.
    Data may be relied upon after `flush` only.
    """

    size: int
    """Bytes of the volume, as of the moment it was opened."""
    is_read_only: bool

    @classmethod
    @abstractmethod
    def open(cls, info: ConnectionInfo) -> Self:
        """Connect as `info` says.

        :raises NotSupported: if this host lacks what it takes, or `info` is not complete.
        :raises BackendDown: if the volume cannot be reached, or is not exported (any more).
        """

    def pread(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from `offset`. :raises ValueError: if they are not all inside the volume."""
        found = bytearray(length)
        self.pread_into(found, offset)
        return bytes(found)

    def pread_into(self, buffer: Writable, offset: int) -> None:
        """Fill `buffer` from `offset`. :raises ValueError: if that is not all inside the volume."""
        with memoryview(buffer).cast("B") as view:
            self._check_range(len(view), offset)
            if view:
                self._read_into(view, offset)

    def pwrite(self, content: Readable, offset: int) -> None:
        """Put `content` at `offset`.

        :raises ValueError: if that is not all inside the volume.
        :raises PermanentDriverError: if the connection is read-only.
        :raises BackendFull: if the back-end ran out of room.
        """
        with memoryview(content).cast("B") as view:
            self._check_writable(len(view), offset)
            if view:
                self._write(view, offset)

    def pwrite_zeroes(self, length: int, offset: int, *, may_unmap: bool = True) -> None:
        """Make `length` bytes from `offset` zeros, by punching holes where that is allowed and the storage can.

        Raises as `pwrite` does.
        """
        self._check_writable(length, offset)
        if length:
            self._write_zeroes(length, offset, may_unmap=may_unmap)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Yield the ranges of a part of the volume in order, without gaps, neighbours of a kind joined.

        Where the back-end does not know its holes everything is data. :raises ValueError: if the part is not all
        inside the volume.
        """
        wanted = self.size - offset if length is None else length
        self._check_range(wanted, offset)
        pending: Extent | None = None
        for found in self._extents(wanted, offset) if wanted else ():
            if pending is None:
                pending = found
            elif pending.is_data == found.is_data:
                pending = Extent(pending.offset, pending.length + found.length, found.is_data)
            else:
                yield pending
                pending = found
        if pending is not None:
            yield pending

    @abstractmethod
    def flush(self) -> None:
        """Return only after everything written before is safe on the storage."""

    @abstractmethod
    def close(self) -> None:
        """End the connection; what was not flushed may be lost. Repeating it does nothing; it never raises."""

    @abstractmethod
    def _read_into(self, view: memoryview, offset: int) -> None:
        """Fill `view`, which is not empty and inside the volume."""

    @abstractmethod
    def _write(self, view: memoryview, offset: int) -> None:
        """Write `view`, which is not empty and inside the volume."""

    def _write_zeroes(self, length: int, offset: int, *, may_unmap: bool) -> None:  # noqa: ARG002 for those who can
        """Make a range that is not empty and inside the volume zeros; here by writing them."""
        with memoryview(_ZEROS) as zeros:
            for done in range(0, length, len(zeros)):
                self._write(zeros[: length - done], offset + done)

    @abstractmethod
    def _extents(self, length: int, offset: int) -> Iterator[Extent]:
        """Yield extents of a range that is not empty and inside the volume, in order and without gaps."""

    def _check_writable(self, length: int, offset: int) -> None:
        """Verify that the range may be written. :raises ValueError, PermanentDriverError: if not."""
        self._check_range(length, offset)
        if self.is_read_only:
            raise PermanentDriverError("This connection is read-only")

    def _check_range(self, length: int, offset: int) -> None:
        """Compare with the size. :raises ValueError: if the range is not all inside the volume."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ValueError(f"{length} bytes at {offset} are not inside a volume of {self.size} bytes")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
