"""Copying what one exported volume holds to another one: by extents, several pieces at once, each of them proved."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue

from drivers.connect.base import Connection
from drivers.errors import PermanentDriverError

MIB = 1024**2


class CopyDiffers(PermanentDriverError):
    """What was read back from the copy is not what was written to it; its storage may be damaged."""

    code = "copy-differs"


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes of a copy: memory is one piece for each pair of connections."""

    window_bytes: int = 64 * MIB
    """After this much it is told how far the copy is, and a checkpoint may follow."""
    piece_bytes: int = 4 * MIB


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a copy is: bytes of the volume that are done, and those of them that had to be carried this time."""

    position: int
    size: int
    moved_bytes: int


Teller = Callable[[Reached], bool]
"""Is told after each window how far the copy is; answers whether that is to be made safe, as a checkpoint needs."""


def copy(
    sources: Sequence[Connection],
    targets: Sequence[Connection],
    *,
    position: int = 0,
    tell: Teller,
    keep: Callable[[int], None],
    options: Options | None = None,
) -> None:
    """Make the target hold what the source does, from byte `position` on; nobody else may write to either.

    The target has to read as zeros, but for what an earlier attempt has copied from the same source. `tell` and `keep`
    are called in this thread, and end the copy by raising; `keep` gets a position that is safe on the storage.

    :raises PermanentDriverError: if the target is smaller. :raises CopyDiffers: if it does not hold what was written.
    :raises DriverError: as connections do.
    """
    size = sources[0].size
    if any(one.size < size for one in targets):
        raise PermanentDriverError(f"The target has {targets[0].size} bytes, less than the {size} to be copied")
    job = _Job(sources, targets, options or Options())
    try:
        for reached in job.windows(position, size):
            if tell(reached) and reached.position < size:
                job.flush()
                keep(reached.position)
        job.flush()
    finally:
        job.close()


class _Job:
    """One copy: a thread and a buffer for each pair of connections."""

    def __init__(self, sources: Sequence[Connection], targets: Sequence[Connection], options: Options) -> None:
        self._sources, self._targets, self._options = sources, targets, options
        self._idle: SimpleQueue[tuple[Connection, Connection, bytearray]] = SimpleQueue()
        for source, target in zip(sources, targets, strict=True):
            self._idle.put((source, target, bytearray(options.piece_bytes)))
        self._threads = ThreadPoolExecutor(len(sources), thread_name_prefix="copy")

    def windows(self, position: int, size: int) -> Iterator[Reached]:
        """Copy one window after the other, and tell after each. Raises as `copy` does."""
        moved = 0
        while position < size:
            length = min(self._options.window_bytes, size - position)
            pieces = list(self._pieces(position, length))
            digests = list(self._threads.map(self._carry, pieces))
            for _ in self._threads.map(self._prove, pieces, digests):
                pass
            moved += sum(count for _, count in pieces)
            position += length
            yield Reached(position, size, moved)

    def flush(self) -> None:
        """Have everything written safe on the storage."""
        for connection in self._targets:
            connection.flush()

    def close(self) -> None:
        """Let the threads go after what they are at."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _pieces(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of what has to be carried; what reads as zeros without being read has not."""
        # No thread is at work between windows, so each connection is free.
        for extent in list(self._sources[0].extents(offset, length)):
            end = extent.offset + extent.length
            for start in range(extent.offset, end, self._options.piece_bytes) if extent.is_data else ():
                yield start, min(self._options.piece_bytes, end - start)

    def _carry(self, piece: tuple[int, int]) -> bytes:
        """Copy a piece, and return its digest."""
        offset, length = piece
        with self._pair(length) as (source, target, view):
            source.pread_into(view, offset)
            target.pwrite(view, offset)
            return hashlib.blake2b(view).digest()

    def _prove(self, piece: tuple[int, int], digest: bytes) -> None:
        """Read a piece of the copy back. :raises CopyDiffers: if it is another."""
        offset, length = piece
        with self._pair(length) as (_, target, view):
            target.pread_into(view, offset)
            if hashlib.blake2b(view).digest() != digest:
                raise CopyDiffers(f"{length} bytes at {offset} of the copy are not what was written")

    @contextmanager
    def _pair(self, length: int) -> Iterator[tuple[Connection, Connection, memoryview]]:
        """Lend a pair of connections, and `length` bytes of its buffer."""
        source, target, buffer = self._idle.get()
        try:
            with memoryview(buffer)[:length] as view:
                yield source, target, view
        finally:
            self._idle.put((source, target, buffer))
