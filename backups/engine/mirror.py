"""The local table of all chunks: a mirror in SQLite, so memory stays small, and it can be lost at any time."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from backups.engine.format import Entry, PackTable
from backups.engine.marks import FRAME

ADOPTED = "adopted"
_PATIENCE_S = 30
"""In place of a segment's name: no segment on the target names these packs."""
_TABLES = """
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packs (number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB UNIQUE, size INTEGER);
CREATE TABLE IF NOT EXISTS members (segment TEXT, pack INTEGER, PRIMARY KEY (segment, pack)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS segments_by_pack ON members (pack);
CREATE TABLE IF NOT EXISTS chunks (id BLOB, pack INTEGER, offset INTEGER, stored INTEGER, plain INTEGER, codec INTEGER,
    PRIMARY KEY (id, pack)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_by_pack ON chunks (pack);
CREATE TEMP TABLE condemned (pack BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE bad (pack BLOB, id BLOB, PRIMARY KEY (pack, id)) WITHOUT ROWID;
"""
_FIND = """
SELECT p.id, p.number, c.offset, c.stored, c.plain, c.codec,
    EXISTS (SELECT 1 FROM bad b WHERE b.pack = p.id AND b.id IN (x'', c.id)) AS is_bad,
    EXISTS (SELECT 1 FROM condemned d WHERE d.pack = p.id) AS is_condemned,
    EXISTS (SELECT 1 FROM members m WHERE m.pack = p.number AND m.segment != 'adopted')
        AND NOT EXISTS (SELECT 1 FROM bad b WHERE b.pack = p.id AND b.id = :frame) AS is_firm
FROM chunks c JOIN packs p ON p.number = c.pack WHERE c.id = :id ORDER BY is_bad, is_condemned, p.id
"""


class Place(NamedTuple):
    """One copy of a chunk."""

    pack_id: bytes
    entry: Entry
    is_bad: bool
    is_condemned: bool
    is_firm: bool
    """A segment of the index names it, and it could say itself what is in it."""
    pack_number: int

    @property
    def is_reliable(self) -> bool:
        """Return whether a new backup may rely on this copy."""
        return self.is_firm and not self.is_bad and not self.is_condemned


class Mirror:
    """The table, for many threads at once. With a path it is kept for the next job and shared with others.

    What must not be used is known to this object only, for each job looks at that anew.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._base = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False, timeout=_PATIENCE_S)
        _journal_ahead(self._base)
        for setting in ("synchronous = NORMAL", "cache_size = -8192", "temp_store = FILE"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.executescript(_TABLES)
        if self._base.execute("SELECT 1 FROM segments WHERE name = ?", (ADOPTED,)).fetchone():
            with self.transaction():
                self.forget({ADOPTED})

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._base.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is written inside appear together or not at all."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def places(self, chunk_id: bytes) -> list[Place]:
        """Return all copies of a chunk, the best first."""
        with self._lock:
            rows = self._base.execute(_FIND, {"id": chunk_id, "frame": FRAME}).fetchall()
        return [
            Place(row[0], Entry(chunk_id, *row[2:6]), bool(row[6]), bool(row[7]), bool(row[8]), row[1]) for row in rows
        ]

    def replace_marks(self, condemned: Iterable[bytes], bad: Iterable[tuple[bytes, bytes]]) -> None:
        """Take these and no others for condemned packs and for bad chunks, given with their packs."""
        self._base.execute("DELETE FROM condemned")
        self._base.execute("DELETE FROM bad")
        self._base.executemany("INSERT OR IGNORE INTO condemned VALUES (?)", ((pack_id,) for pack_id in condemned))
        self._base.executemany("INSERT OR IGNORE INTO bad VALUES (?, ?)", bad)

    def learn(self, segment: str, tables: Iterable[PackTable]) -> None:
        """Take over what a segment says."""
        self._base.execute("INSERT OR IGNORE INTO segments VALUES (?)", (segment,))
        for table in tables:
            self._base.execute("INSERT OR IGNORE INTO packs (id, size) VALUES (?, ?)", (table.pack_id, table.size))
            (number,) = self._base.execute("SELECT number FROM packs WHERE id = ?", (table.pack_id,)).fetchone()
            self._base.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", (segment, number))
            rows = ((e.chunk_id, number, e.offset, e.stored_bytes, e.plain_bytes, e.codec) for e in table.entries)
            self._base.executemany("INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?)", rows)

    def forget(self, segments: set[str]) -> None:
        """Drop segments, and the packs that no other one names."""
        self._base.executemany("DELETE FROM members WHERE segment = ?", ((name,) for name in segments))
        self._base.executemany("DELETE FROM segments WHERE name = ?", ((name,) for name in segments))
        if segments:
            self._base.execute("DELETE FROM packs WHERE number NOT IN (SELECT pack FROM members)")
            self._base.execute("DELETE FROM chunks WHERE pack NOT IN (SELECT number FROM packs)")

    def packs(self) -> Iterator[tuple[int, PackTable]]:
        """Yield every pack with its number here, in the order of their ids."""
        last = b""
        while row := self._row("SELECT number, id, size FROM packs WHERE id > ? ORDER BY id LIMIT 1", last):
            number, last, size = row
            yield number, PackTable(last, size, self._entries_of(number))

    def table(self, pack_id: bytes) -> PackTable | None:
        """Return what is in a pack, None if it is not known."""
        row = self._row("SELECT number, id, size FROM packs WHERE id = ?", pack_id)
        return PackTable(pack_id, row[2], self._entries_of(row[0])) if row else None

    def number_of(self, pack_id: bytes) -> int | None:
        """Return by which number a pack goes here."""
        row = self._row("SELECT number, id, size FROM packs WHERE id = ?", pack_id)
        return row[0] if row else None

    def pack(self, number: int) -> tuple[bytes, int] | None:
        """Return the id and the size of a pack."""
        row = self._row("SELECT number, id, size FROM packs WHERE number = ?", number)
        return (row[1], row[2]) if row else None

    def has_bad_parts(self, pack_id: bytes) -> bool:
        """Return whether something in a pack was set aside."""
        with self._lock:
            return self._base.execute("SELECT 1 FROM bad WHERE pack = ? LIMIT 1", (pack_id,)).fetchone() is not None

    def segments(self) -> set[str]:
        """Return the segments of the target that are known."""
        with self._lock:
            return {name for (name,) in self._base.execute("SELECT name FROM segments WHERE name != ?", (ADOPTED,))}

    def segments_of(self, pack_id: bytes) -> list[str]:
        """Return the segments that name a pack."""
        query = "SELECT segment FROM members JOIN packs ON number = pack WHERE id = ?"
        with self._lock:
            return [name for (name,) in self._base.execute(query, (pack_id,))]

    def packs_of(self, segments: Iterable[str]) -> set[bytes]:
        """Return the packs that segments name."""
        query = "SELECT id FROM packs JOIN members ON number = pack WHERE segment = ?"
        with self._lock:
            return {row[0] for name in segments for row in self._base.execute(query, (name,))}

    def _entries_of(self, number: int) -> tuple[Entry, ...]:
        """Return the entries of a pack in the order of their offsets."""
        query = "SELECT id, offset, stored, plain, codec FROM chunks WHERE pack = ? ORDER BY offset"
        with self._lock:
            return tuple(Entry(*row) for row in self._base.execute(query, (number,)))

    def _row(self, query: str, value: bytes | int) -> tuple[int, bytes, int] | None:
        """Return the first row of a query about packs."""
        with self._lock:
            row: tuple[int, bytes, int] | None = self._base.execute(query, (value,)).fetchone()
            return row


def _journal_ahead(base: sqlite3.Connection) -> None:
    """Let readers and writers go on beside each other (WAL).

    For this SQLite waits for nobody by itself, be it one that opens the file first or one that closes it last.

    :raises sqlite3.OperationalError: if it cannot be done, or somebody holds the file all the time.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
