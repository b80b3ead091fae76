"""The index: which chunks a project has and in which packs, on the target in segments and here as a local table.

The table is a mirror in SQLite, so memory stays small whatever the number of chunks, and it can be lost at any time.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from backups.engine import format as fmt
from backups.engine.errors import Damaged
from backups.engine.format import Entry, Kind, PackTable
from backups.engine.marks import CONDEMNED, QUARANTINE, read_ids
from backups.engine.packs import read_table
from backups.engine.repository import ProjectStore
from drivers.errors import ObjectMissing

FOLDER = "index/"
_SEGMENT_ENTRIES = 65536
_TRIES = 5
_MOST_LOOKS = 256
"""More packs than this are looked for in a listing, not one by one."""
_ADOPTED = "adopted"
_TABLES = """
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB UNIQUE, size INTEGER);
CREATE TABLE IF NOT EXISTS members (segment TEXT, pack INTEGER, PRIMARY KEY (segment, pack)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunks (id BLOB, pack INTEGER, offset INTEGER, stored INTEGER, plain INTEGER, codec INTEGER,
    PRIMARY KEY (id, pack)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_by_pack ON chunks (pack);
CREATE TEMP TABLE condemned (pack BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE bad (pack BLOB, id BLOB, PRIMARY KEY (pack, id)) WITHOUT ROWID;
"""
_FIND = """
SELECT p.id, p.number, c.offset, c.stored, c.plain, c.codec,
    EXISTS (SELECT 1 FROM bad b WHERE b.pack = p.id AND b.id IN (x'', c.id)) AS is_bad,
    EXISTS (SELECT 1 FROM condemned d WHERE d.pack = p.id) AS is_condemned
FROM chunks c JOIN packs p ON p.number = c.pack WHERE c.id = ? ORDER BY is_bad, is_condemned, p.id
"""


class Place(NamedTuple):
    """One copy of a chunk."""

    pack_id: bytes
    entry: Entry
    is_bad: bool
    is_condemned: bool
    pack_number: int


class ChunkIndex:
    """One project's index, for many threads at once. With a folder for `cache` the mirror is kept for the next job."""

    def __init__(self, store: ProjectStore, cache: Path | None = None) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._new: set[bytes] = set()
        self._used_packs = bytearray()
        self.adopted: dict[bytes, PackTable] = {}
        """Packs that no segment names, known from themselves; no backup relies upon them."""
        self.damaged: dict[str, str] = {}
        """Index segments that could not be read, and why; what only they knew is unknown."""
        self._base = sqlite3.connect(
            cache / f"{store.repository.id}-{store.project_id}.sqlite3" if cache else "",
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
        for setting in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -8192", "temp_store = FILE"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.executescript(_TABLES)

    def close(self) -> None:
        """Let the mirror go."""
        with self._lock:
            self._base.close()

    def refresh(self) -> None:
        """Look at the target again: first what must not be used, then what there is.

        In this order nothing that the collector takes away meanwhile can look usable: it takes packs out of the index
        before it deletes them, and out of the list of condemned ones after that.
        """
        with self._writing():
            self._base.execute("DELETE FROM condemned")
            self._base.execute("DELETE FROM bad")
            for _, ids in read_ids(self._store, CONDEMNED):
                self._base.executemany("INSERT OR IGNORE INTO condemned VALUES (?)", ((i,) for i in ids or ()))
            for name, ids in read_ids(self._store, QUARANTINE):
                pack_id = bytes.fromhex(name.rpartition("/")[2])
                self._base.executemany("INSERT OR IGNORE INTO bad VALUES (?, ?)", ((pack_id, i) for i in ids or [b""]))
        for _ in range(_TRIES):
            if self._mirror():
                return
        raise Damaged("The index names segments that are not there")

    def places(self, chunk_id: bytes) -> list[Place]:
        """Return all copies of a chunk that were indexed, the best first."""
        with self._lock:
            rows = self._base.execute(_FIND, (chunk_id,)).fetchall()
        return [Place(row[0], Entry(chunk_id, *row[2:6]), bool(row[6]), bool(row[7]), row[1]) for row in rows]

    def is_stored(self, chunk_id: bytes) -> bool:
        """Return whether a backup may rely on a copy of this chunk, and remember that it does."""
        with self._lock:
            if chunk_id in self._new:
                return True
            for place in self.places(chunk_id):
                if not place.is_bad and not place.is_condemned and place.pack_id not in self.adopted:
                    self._note_use(place.pack_number)
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
            with self._writing():
                self._learn(name, part)
        with self._lock:
            for table in tables:
                self._new.difference_update(entry.chunk_id for entry in table.entries)

    def adopt(self) -> list[bytes]:
        """Learn from the packs themselves what is in those that no segment names; return those that cannot be read."""
        unreadable = []
        for pack_id in list(self.unknown_packs()):
            try:
                self.adopted[pack_id] = read_table(self._store, pack_id)
            except (Damaged, ObjectMissing):
                unreadable.append(pack_id)
        with self._writing():
            self._learn(_ADOPTED, list(self.adopted.values()))
        return unreadable

    def repair(self) -> int:
        """Index what no segment names, so that damaged segments are not needed any more; return how many packs.

        A damaged segment is deleted only if every pack could say itself what is in it.
        """
        unreadable = self.adopt()
        found = list(self.adopted.values())
        self.publish(found)
        self.adopted = {}
        if not unreadable:
            for name in self.damaged:
                self._store.delete(name)
        self.refresh()
        return len(found)

    def rewrite_segments(self, *, without: set[bytes], most: int) -> None:
        """Have no segment name these packs, and if there are more than `most` segments, make few of them.

        New ones are put before old ones are deleted, so nobody ever misses anything else.
        """
        affected = {name for pack_id in without for name in self._segments_of(pack_id)}
        names = self._segment_names()
        if len(names) > most:
            affected.update(names)
        part: list[PackTable] = []
        for pack_id in sorted(self._packs_of(affected) - without):
            table = self.table(pack_id)
            part += [table] if table else []
            if len(part) * len(part[-1].entries) >= _SEGMENT_ENTRIES:
                self.publish(part)
                part = []
        self.publish(part)
        for name in affected:
            self._store.delete(name)

    def missing_packs(self) -> list[bytes]:
        """Return the packs that `is_stored` and `claim` relied upon and that are not on the target with their size."""
        with self._lock:
            wanted = {number for number, used in enumerate(self._used_packs) if used}
        if len(wanted) > _MOST_LOOKS:
            for found in self._store.list("packs/"):
                row = self._row("SELECT number, id, size FROM packs WHERE id = ?", fmt.pack_id_of(found.name) or b"")
                if row and row[2] == found.size:
                    wanted.discard(row[0])
        rows = {number: self._row("SELECT number, id, size FROM packs WHERE number = ?", number) for number in wanted}
        unknown = [bytes(fmt.PACK_ID_BYTES) for row in rows.values() if row is None]
        return unknown + [row[1] for row in rows.values() if row and self._size_of(row[1]) != row[2]]

    def packs(self) -> Iterator[tuple[int, PackTable]]:
        """Yield every pack that is known with its number here, in the order of their ids."""
        last = b""
        while row := self._row("SELECT number, id, size FROM packs WHERE id > ? ORDER BY id LIMIT 1", last):
            number, last, size = row
            yield number, PackTable(last, size, self._entries_of(number))

    def table(self, pack_id: bytes) -> PackTable | None:
        """Return what is in a pack, None if it is not known."""
        row = self._row("SELECT number, id, size FROM packs WHERE id = ?", pack_id)
        return PackTable(pack_id, row[2], self._entries_of(row[0])) if row else None

    def unknown_packs(self) -> Iterator[bytes]:
        """Yield the packs on the target that are not known here."""
        for found in self._store.list("packs/"):
            pack_id = fmt.pack_id_of(found.name)
            if pack_id and not self._row("SELECT number, id, size FROM packs WHERE id = ?", pack_id):
                yield pack_id

    def forget_uses(self) -> None:
        """Forget which packs were relied upon."""
        with self._lock:
            self._used_packs = bytearray()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold one transaction over the mirror."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def _mirror(self) -> bool:
        """Learn new segments and forget those that are gone; return False if some went while this looked."""
        there = {found.name for found in self._store.list(FOLDER)}
        self.damaged = {}
        with self._writing():
            known = {name for (name,) in self._base.execute("SELECT name FROM segments")}
            for name in sorted(there - known):
                try:
                    body, _ = self._store.get_sealed(Kind.INDEX, name)
                    self._learn(name, list(fmt.parse_index(body)))
                except ObjectMissing:
                    return False
                except Damaged as error:
                    self.damaged[name] = error.message
            gone = known - there
            self._base.executemany("DELETE FROM members WHERE segment = ?", ((name,) for name in gone))
            self._base.executemany("DELETE FROM segments WHERE name = ?", ((name,) for name in gone))
            if gone:
                self._base.execute("DELETE FROM packs WHERE number NOT IN (SELECT pack FROM members)")
                self._base.execute("DELETE FROM chunks WHERE pack NOT IN (SELECT number FROM packs)")
        return True

    def _learn(self, name: str, tables: Iterable[PackTable]) -> None:
        """Take over what a segment says."""
        self._base.execute("INSERT OR IGNORE INTO segments VALUES (?)", (name,))
        for table in tables:
            self._base.execute("INSERT OR IGNORE INTO packs (id, size) VALUES (?, ?)", (table.pack_id, table.size))
            (number,) = self._base.execute("SELECT number FROM packs WHERE id = ?", (table.pack_id,)).fetchone()
            self._base.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (name, number))
            rows = ((e.chunk_id, number, e.offset, e.stored_bytes, e.plain_bytes, e.codec) for e in table.entries)
            self._base.executemany("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _segment_names(self) -> list[str]:
        """Return the segments that this mirror reflects."""
        return self._texts("SELECT name FROM segments WHERE name != ?", _ADOPTED)

    def _segments_of(self, pack_id: bytes) -> list[str]:
        """Return the segments that name a pack."""
        return self._texts("SELECT segment FROM members JOIN packs ON number = pack WHERE id = ?", pack_id)

    def _packs_of(self, segments: Iterable[str]) -> set[bytes]:
        """Return the packs that segments name."""
        query = "SELECT id FROM packs JOIN members ON number = pack WHERE segment = ?"
        with self._lock:
            return {row[0] for name in segments for row in self._base.execute(query, (name,))}

    def _texts(self, query: str, value: str | bytes) -> list[str]:
        """Return the first column of a query."""
        with self._lock:
            return [row[0] for row in self._base.execute(query, (value,))]

    def _entries_of(self, number: int) -> tuple[Entry, ...]:
        """Return the entries of a pack in the order of their offsets."""
        with self._lock:
            rows = self._base.execute(
                "SELECT id, offset, stored, plain, codec FROM chunks WHERE pack = ? ORDER BY offset", (number,)
            ).fetchall()
        return tuple(Entry(*row) for row in rows)

    def _row(self, query: str, value: bytes | int) -> tuple[int, bytes, int] | None:
        """Return the first row of a query."""
        with self._lock:
            row: tuple[int, bytes, int] | None = self._base.execute(query, (value,)).fetchone()
            return row

    def _size_of(self, pack_id: bytes) -> int | None:
        """Return the size of a pack on the target, or None."""
        try:
            return self._store.target.size(self._store.prefix + fmt.pack_name(pack_id))
        except ObjectMissing:
            return None

    def _note_use(self, number: int) -> None:
        """Remember that a pack was relied upon."""
        if number >= len(self._used_packs):
            self._used_packs.extend(bytes(number + 1024 - len(self._used_packs)))
        self._used_packs[number] = 1


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
