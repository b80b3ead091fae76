"""Bytes of volumes that live in this process, for the memory driver and those who connect to its volumes."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from drivers.fences import FenceBook
from drivers.types import AccessMode

PAGE_BYTES = 64 * 1024
_ZEROS = bytes(PAGE_BYTES)


@dataclass(slots=True)
class SparseBytes:
    """A range of `size` bytes that takes room only where something was written. Callers keep within the range."""

    size: int
    pages: dict[int, bytearray] = field(default_factory=dict)

    def read(self, length: int, offset: int) -> bytes:
        """Return `length` bytes from `offset`; what was never written is zeros."""
        parts = []
        for number, start, count in _pieces(length, offset):
            page = self.pages.get(number)
            parts.append(bytes(count) if page is None else bytes(page[start : start + count]))
        return b"".join(parts)

    def write(self, content: memoryview, offset: int) -> None:
        """Put `content` at `offset`."""
        done = 0
        for number, start, count in _pieces(len(content), offset):
            page = self.pages.setdefault(number, bytearray(PAGE_BYTES))
            page[start : start + count] = content[done : done + count]
            done += count

    def zero(self, length: int, offset: int, *, may_unmap: bool) -> None:
        """Make a range zeros; whole pages of it take no room afterwards if they `may_unmap`."""
        for number, start, count in _pieces(length, offset):
            if may_unmap and count == PAGE_BYTES:
                self.pages.pop(number, None)
            elif not may_unmap or number in self.pages:
                page = self.pages.setdefault(number, bytearray(PAGE_BYTES))
                page[start : start + count] = bytes(count)

    def extents(self, offset: int, length: int) -> Iterator[tuple[int, int, bool]]:
        """Yield (offset, length, was written) page by page."""
        for number, start, count in _pieces(length, offset):
            yield number * PAGE_BYTES + start, count, number in self.pages

    def copied(self, size: int) -> Self:
        """Return the same bytes in a range of `size` bytes, not less than here, that goes its own way."""
        return type(self)(size, {number: bytearray(page) for number, page in self.pages.items()})

    def differences(self, other: Self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of the pages that are not the same in `other`."""
        for number in sorted(self.pages.keys() | other.pages.keys()):
            if self.pages.get(number, _ZEROS) != other.pages.get(number, _ZEROS):
                yield number * PAGE_BYTES, PAGE_BYTES


@dataclass(slots=True)
class MemoryVolume:
    """A volume and who can reach it."""

    content: SparseBytes
    size_gib: int
    exports: dict[str, AccessMode] = field(default_factory=dict)


@dataclass(slots=True)
class MemorySnapshot(MemoryVolume):
    """A volume as it was, which nobody writes to."""

    volume_id: str = ""


@dataclass(slots=True)
class MemoryPool:
    """All volumes and snapshots of one memory back-end. Hold `lock` while looking or changing."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    volumes: dict[str, MemoryVolume] = field(default_factory=dict)
    snapshots: dict[str, MemorySnapshot] = field(default_factory=dict)
    foreign: dict[str, SparseBytes] = field(default_factory=dict)
    """What somebody else has put there, under names of its own."""
    books: dict[str, FenceBook] = field(default_factory=dict)


_pools: dict[str, MemoryPool] = {}
_pools_lock = threading.Lock()


def pool(key: str) -> MemoryPool:
    """Return the pool of back-end `key`, the same one for everybody in this process."""
    with _pools_lock:
        return _pools.setdefault(key, MemoryPool())


def forget(key: str) -> None:
    """Drop the pool of back-end `key` with everything in it."""
    with _pools_lock:
        _pools.pop(key, None)


def _pieces(length: int, offset: int) -> Iterator[tuple[int, int, int]]:
    """Yield (page number, start inside the page, count) for a range."""
    end = offset + length
    while offset < end:
        number, start = divmod(offset, PAGE_BYTES)
        count = min(PAGE_BYTES - start, end - offset)
        yield number, start, count
        offset += count
