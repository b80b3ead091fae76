"""The set of chunks that backups need, on disk, because it may be larger than memory."""

import sqlite3
from collections.abc import Iterable, Iterator

from backups.engine.errors import BackupMissing
from backups.engine.manifest import backup_ids, read_manifest, slots_of
from backups.engine.repository import ProjectStore
from backups.engine.source import ChunkSource


class LiveChunks:
    """Ids in a table that SQLite keeps in a nameless file."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.execute("PRAGMA cache_size = -16384")
        self._base.execute("CREATE TABLE live (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[bytes]) -> None:
        """Put ids into the set."""
        self._base.execute("BEGIN")
        self._base.executemany("INSERT OR IGNORE INTO live VALUES (?)", ((found,) for found in ids))
        self._base.execute("COMMIT")

    def __contains__(self, chunk_id: bytes) -> bool:
        return self._base.execute("SELECT 1 FROM live WHERE id = ?", (chunk_id,)).fetchone() is not None

    def __iter__(self) -> Iterator[bytes]:
        for (found,) in self._base.execute("SELECT id FROM live ORDER BY id"):
            yield found

    def close(self) -> None:
        """Let it go."""
        self._base.close()


def live_chunks(store: ProjectStore, source: ChunkSource) -> LiveChunks:
    """Return what the project's backups need, segments included.

    :raises Damaged: if a manifest or a segment is not whole, so that nobody knows what that backup needs.
    """
    found = LiveChunks()
    seen: set[bytes] = set()
    for backup_id in backup_ids(store):
        try:
            manifest, _ = read_manifest(store, backup_id)
        except BackupMissing:
            continue  # deleted since it was listed
        for number, segment in enumerate(manifest.segments):
            if segment is not None and segment not in seen:
                seen.add(segment)
                found.add([segment, *filter(None, slots_of(manifest, number, source))])
    return found
