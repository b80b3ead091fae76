"""Packs: objects of many chunks each, filled by several threads at once and put on the target by others."""

import contextvars
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from backups.engine import format as fmt
from backups.engine.chunks import ChunkCodec, Readable, stored_size
from backups.engine.errors import Damaged
from backups.engine.format import Entry, Kind, PackTable
from backups.engine.repository import ProjectStore

PACK_BYTES = 16 * 1024**2
UPLOADS = 2


@dataclass(slots=True)
class _OpenPack:
    """A pack that is being filled."""

    buffer: bytearray
    pack_id: bytes = field(default_factory=lambda: os.urandom(fmt.PACK_ID_BYTES))
    used: int = 0
    entries: list[Entry] = field(default_factory=list)
    writers: int = 0
    is_closed: bool = False


class PackWriter:
    """Collects chunks in packs and puts full ones on the target; for many threads at once.

    Memory is `uploads` + 1 buffers of a pack's size, used again and again: who brings chunks faster than the target
    takes packs has to wait.
    """

    def __init__(
        self,
        store: ProjectStore,
        codec: ChunkCodec,
        *,
        pack_bytes: int = PACK_BYTES,
        uploads: int = UPLOADS,
        limit: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        self._store, self._codec, self._limit = store, codec, limit
        self._pack_bytes, self._spare = pack_bytes, uploads + 1
        self._free: list[bytearray] = []
        self._changed = threading.Condition()
        self._current: _OpenPack | None = None
        self._unfinished = 0
        self._finished: list[PackTable] = []
        self._failure: BaseException | None = None
        self._uploads = ThreadPoolExecutor(uploads, thread_name_prefix="put")
        self.stored_bytes = 0
        self.packs = 0

    def add(self, chunk_id: bytes, plain: Readable) -> None:
        """Store a chunk that is not stored yet. It is safe after the next `flush` only.

        Raises what putting an earlier pack raised.
        """
        kind, squeezed = self._codec.compress(plain)
        size = stored_size(squeezed)
        with self._changed:
            pack = self._room_for(size)
            entry = Entry(chunk_id, fmt.PACK_HEADER.size + pack.used, size, len(plain), kind)
            start = pack.used
            pack.used += size
            pack.entries.append(entry)
            pack.writers += 1
        try:
            with memoryview(pack.buffer)[start : start + size] as place:
                self._codec.encrypt_into(pack.pack_id, entry, squeezed, place)
        except BaseException as error:
            with self._changed:
                self._failure = self._failure or error  # the pack has a hole now: it must never get to the target
            raise
        finally:
            with self._changed:
                pack.writers -= 1
                self._send_if_complete(pack)
                self._changed.notify_all()

    def flush(self) -> list[PackTable]:
        """Return the packs that became safe since the last flush, once everything added before is.

        Raises what putting one of them raised.
        """
        with self._changed:
            if self._current:
                self._close_current(self._current)
            self._changed.wait_for(lambda: not self._unfinished or self._failure)
            if self._failure:
                raise self._failure
            found, self._finished = self._finished, []
            return found

    def close(self) -> None:
        """Let the threads go; what was not flushed may or may not be on the target."""
        self._uploads.shutdown(wait=True, cancel_futures=True)

    def _room_for(self, size: int) -> _OpenPack:
        """Return a pack with room for `size` bytes; waits for a buffer. Raises what putting an earlier pack raised."""
        while True:
            if self._failure:
                raise self._failure
            if self._current and self._current.used + size <= len(self._current.buffer):
                return self._current
            if self._current:
                self._close_current(self._current)
            if self._free or self._spare:
                self._current = _OpenPack(self._buffer(size))
                self._unfinished += 1
            else:
                self._changed.wait()

    def _buffer(self, size: int) -> bytearray:
        """Return a buffer that nobody uses, of at least `size` bytes."""
        if not self._free:
            self._spare -= 1
            self._free.append(bytearray(max(self._pack_bytes, size)))
        found = self._free.pop()
        return found if len(found) >= size else bytearray(size)

    def _close_current(self, pack: _OpenPack) -> None:
        """Take no more chunks for this pack."""
        pack.is_closed, self._current = True, None
        self._send_if_complete(pack)

    def _send_if_complete(self, pack: _OpenPack) -> None:
        """Have the pack put on the target once nobody writes into it any more."""
        if pack.is_closed and not pack.writers and not self._failure:
            self._uploads.submit(contextvars.copy_context().run, self._put, pack)

    def _put(self, pack: _OpenPack) -> None:
        """Put one pack on the target, and keep what went wrong for those who wait."""
        failure, table = None, None
        try:
            table = self._put_whole(pack)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            failure = error
        with self._changed:
            self._unfinished -= 1
            self._failure = self._failure or failure
            self._free.append(pack.buffer)
            if table:
                self._finished.append(table)
                self.stored_bytes += table.size
                self.packs += 1
            self._changed.notify_all()

    def _put_whole(self, pack: _OpenPack) -> PackTable:
        """Put header, chunks, table and tail as one object."""
        name = fmt.pack_name(pack.pack_id)
        repository_id = self._store.repository.id.bytes
        head = fmt.PACK_HEADER.pack(fmt.PACK_MAGIC, fmt.VERSION, b"", repository_id, pack.pack_id)
        table = self._store.seal(Kind.TABLE, name, b"".join(entry.pack() for entry in pack.entries))
        tail = fmt.PACK_TAIL.pack(len(head) + pack.used, len(table), fmt.PACK_END)
        size = len(head) + pack.used + len(table) + len(tail)
        self._limit(size)
        with memoryview(pack.buffer)[: pack.used] as chunks:
            self._store.target.put(self._store.prefix + name, [head, chunks, table, tail])
        return PackTable(pack.pack_id, size, tuple(pack.entries))


def neighbours(entries: Iterable[Entry], most_bytes: int) -> Iterator[list[Entry]]:
    """Yield entries of one pack, given in the order of their offsets, that one read can bring.

    They lie side by side, and are longer than `most_bytes` together only where one alone is.
    """
    part: list[Entry] = []
    for entry in entries:
        end = entry.offset + entry.stored_bytes
        if part and (part[-1].offset + part[-1].stored_bytes != entry.offset or end - part[0].offset > most_bytes):
            yield part
            part = []
        part.append(entry)
    if part:
        yield part


def read_table(store: ProjectStore, pack_id: bytes) -> PackTable:
    """Read what is in a pack from the pack itself.

    :raises ObjectMissing: if there is no such pack.
    :raises Damaged: if its header, table or tail is not what was written.
    """
    name = fmt.pack_name(pack_id)
    size = store.target.size(store.prefix + name)
    if not fmt.PACK_HEADER.size + fmt.PACK_TAIL.size < size <= fmt.MAX_PACK_BYTES:
        raise Damaged(f"{name} has an impossible size")
    head = store.target.get(store.prefix + name, length=fmt.PACK_HEADER.size)
    if head != fmt.PACK_HEADER.pack(fmt.PACK_MAGIC, fmt.VERSION, b"", store.repository.id.bytes, pack_id):
        raise Damaged(f"{name} does not begin as that pack does")
    end = size - fmt.PACK_TAIL.size
    tail = store.target.get(store.prefix + name, offset=end, length=fmt.PACK_TAIL.size)
    if len(tail) != fmt.PACK_TAIL.size:
        raise Damaged(f"{name} is cut short")
    start, length, magic = fmt.PACK_TAIL.unpack(tail)
    if magic != fmt.PACK_END or start + length != end:
        raise Damaged(f"{name} does not end as a pack does")
    body = store.unseal(Kind.TABLE, name, store.target.get(store.prefix + name, offset=start, length=length))
    return PackTable(pack_id, size, fmt.parse_entries(body, start))
