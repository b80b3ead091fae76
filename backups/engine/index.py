"""The index: which chunks a project has and in which packs, kept on the target in segments and mirrored here."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from backups.engine import format as fmt
from backups.engine.errors import Damaged
from backups.engine.format import Kind, PackTable
from backups.engine.marks import CONDEMNED, QUARANTINE, read_ids
from backups.engine.mirror import ADOPTED, Mirror, Place
from backups.engine.packs import read_table
from backups.engine.repository import ProjectStore
from drivers.errors import ObjectMissing

FOLDER = "index/"
_SEGMENT_ENTRIES = 65536
_TRIES = 5
NO_PACK = bytes(fmt.PACK_ID_BYTES)
_MOST_LOOKS = 256
"""More packs than this are looked for in a listing, not one by one."""


class ChunkIndex:
    """One project's index, for many threads at once. With a folder for `cache` the mirror is kept for the next job."""

    def __init__(self, store: ProjectStore, cache: Path | None = None) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._new: set[bytes] = set()
        self._used_packs = bytearray()
        self._own_packs = bytearray()
        self.adopted: dict[bytes, PackTable] = {}
        """Packs that no segment names, known from themselves; no backup relies upon them."""
        self.damaged: dict[str, str] = {}
        """Segments that could not be read, and why; what only they knew is unknown."""
        self.mirror = Mirror(cache / f"{store.repository.id}-{store.project_id}.sqlite3" if cache else None)

    def close(self) -> None:
        """Let the mirror go."""
        self.mirror.close()

    def refresh(self) -> None:
        """Look at the target again: first what must not be used, then what there is.

        In this order nothing that the collector takes away meanwhile can look usable: it takes packs out of the index
        before it deletes them, and out of the list of condemned ones after that.
        """
        condemned = [pack_id for _, ids in read_ids(self._store, CONDEMNED) for pack_id in ids or ()]
        marked = ((bytes.fromhex(name.rpartition("/")[2]), ids) for name, ids in read_ids(self._store, QUARANTINE))
        bad = [(pack_id, chunk_id) for pack_id, ids in marked for chunk_id in ids or [b""]]
        with self.mirror.transaction():
            self.mirror.replace_marks(condemned, bad)
        for _ in range(_TRIES):
            if self._follow():
                return
        raise Damaged("The index names segments that are not there")

    def places(self, chunk_id: bytes) -> list[Place]:
        """Return all copies of a chunk that are known, the best first."""
        return self.mirror.places(chunk_id)

    def is_stored(self, chunk_id: bytes) -> bool:
        """Return whether a backup may rely on a copy of this chunk, and remember that it does."""
        with self._lock:
            if chunk_id in self._new:
                return True
            for place in self.mirror.places(chunk_id):
                if place.is_reliable:
                    _note(self._used_packs, place.pack_number)
                    return True
        return False

    def claim(self, chunk_id: bytes) -> bool:
        """Return True to exactly one caller if this chunk is to be stored, False if it is or will be."""
        with self._lock:
            if self.is_stored(chunk_id):
                return False
            self._new.add(chunk_id)
            return True

    def publish(self, tables: list[PackTable]) -> None:
        """Put an index of packs that are on the target already beside the others; from now on all can use them."""
        for part in _parts(tables):
            name = f"{FOLDER}{os.urandom(16).hex()}"
            self._store.put_sealed(Kind.INDEX, name, fmt.dump_index(part))
            with self.mirror.transaction():
                self.mirror.learn(name, part)
        with self._lock:
            for table in tables:
                self._new.difference_update(entry.chunk_id for entry in table.entries)
                _note(self._own_packs, self.mirror.number_of(table.pack_id) or 0)

    def adopt(self) -> list[bytes]:
        """Learn from the packs themselves what is in those that no segment names; return those that cannot be read."""
        unreadable = []
        for pack_id in list(self.unknown_packs()):
            try:
                self.adopted[pack_id] = read_table(self._store, pack_id)
            except (Damaged, ObjectMissing):
                unreadable.append(pack_id)
        with self.mirror.transaction():
            self.mirror.learn(ADOPTED, list(self.adopted.values()))
        return unreadable

    def repair(self) -> int:
        """Index what no segment names, so that damaged segments are not needed any more; return how many packs.

        A damaged segment is deleted only if every pack could say itself what is in it.
        """
        unreadable = self.adopt()
        found = list(self.adopted.values())
        self.publish(found)
        self.adopted = {}
        with self.mirror.transaction():
            self.mirror.forget({ADOPTED})
        if not unreadable:
            for name in self.damaged:
                self._store.delete(name)
        self.refresh()
        return len(found)

    def rewrite_segments(self, *, without: set[bytes], most: int) -> None:
        """Have no segment name these packs, and if there are more than `most` segments, make few of them.

        New ones are put before old ones are deleted, so nobody ever misses anything else.
        """
        affected = {name for pack_id in without for name in self.mirror.segments_of(pack_id)} - {ADOPTED}
        names = self.mirror.segments()
        if len(names) > most:
            affected |= names
        part: list[PackTable] = []
        entries = 0
        for pack_id in sorted(self.mirror.packs_of(affected) - without):
            table = self.mirror.table(pack_id)
            if table:
                part.append(table)
                entries += len(table.entries)
            if entries >= _SEGMENT_ENTRIES:
                self.publish(part)
                part, entries = [], 0
        self.publish(part)
        for name in affected:
            self._store.delete(name)

    def missing_packs(self, *, own: bool = False) -> list[bytes]:
        """Return the packs relied upon, with `own` also those published, that are not on the target with their size.

        `NO_PACK` stands for one that the index does not name any more.
        """
        with self._lock:
            wanted = {number for number, used in enumerate(self._used_packs) if used}
            wanted.update(number for number, is_own in enumerate(self._own_packs) if own and is_own)
        if len(wanted) > _MOST_LOOKS:
            for found in self._store.list("packs/"):
                number = self.mirror.number_of(fmt.pack_id_of(found.name) or b"")
                if number in wanted and (self.mirror.pack(number) or (b"", -1))[1] == found.size:
                    wanted.discard(number)
        missing = []
        for number in wanted:
            pack_id, size = self.mirror.pack(number) or (NO_PACK, -1)
            if self._size_of(pack_id) != size:
                missing.append(pack_id)
        return missing

    def unknown_packs(self) -> Iterator[bytes]:
        """Yield the packs on the target that are not known here."""
        for found in self._store.list("packs/"):
            pack_id = fmt.pack_id_of(found.name)
            if pack_id and self.mirror.number_of(pack_id) is None:
                yield pack_id

    def forget_uses(self) -> None:
        """Forget which packs were relied upon."""
        with self._lock:
            self._used_packs = bytearray()

    def _follow(self) -> bool:
        """Learn new segments and forget those that are gone; return False if some went while this looked."""
        known = self.mirror.segments()  # first: what others who share the mirror publish meanwhile is not gone
        there = {found.name for found in self._store.list(FOLDER)}
        self.damaged = {}
        for name in sorted(there - known):
            try:
                body, _ = self._store.get_sealed(Kind.INDEX, name)
                tables = list(fmt.parse_index(body))
            except ObjectMissing:
                return False
            except Damaged as error:
                self.damaged[name] = error.message
            else:
                with self.mirror.transaction():
                    self.mirror.learn(name, tables)
        with self.mirror.transaction():
            self.mirror.forget(known - there)
        return True

    def _size_of(self, pack_id: bytes) -> int | None:
        """Return the size of a pack on the target, or None."""
        try:
            return self._store.target.size(self._store.prefix + fmt.pack_name(pack_id))
        except ObjectMissing:
            return None


def _note(numbers: bytearray, number: int) -> None:
    """Put a number into a set of small numbers."""
    if number >= len(numbers):
        numbers.extend(bytes(number + 1024 - len(numbers)))
    numbers[number] = 1


def _parts(tables: list[PackTable]) -> Iterator[list[PackTable]]:
    """Yield `tables` in portions that make segments of a moderate size."""
    part: list[PackTable] = []
    count = 0
    for table in tables:
        if part and count + len(table.entries) > _SEGMENT_ENTRIES:
            yield part
            part, count = [], 0
        part.append(table)
        count += len(table.entries)
    if part:
        yield part
