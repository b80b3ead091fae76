"""What the fleet's database says, read from outside and without its help: no process of the fleet need run."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

STEPS_WITH_PROGRESS = {"back_up", "restore"}
COPY = " of a copy"
"""Of a volume or of a snapshot: it has to be where that is."""
_UNFINISHED = """
SELECT serial, resource_type, verb, arguments LIKE '%"pinned"%', task, step, percent, owner, decision
FROM operations_operation WHERE outcome = ''
"""
_RESOURCES = ("volumes_volume", "volumes_snapshot", "volumes_attachment", "backups_backup")


@dataclass(frozen=True, slots=True)
class Held:
    """An operation that a process holds, or held when it was killed, and how far it is."""

    serial: int
    kind: str
    """Resource and verb: `volume.create`, `volume.create of a copy`."""
    stage: str
    """The task's own name, which is where the work is between two kinds of workers."""
    step: str
    percent: int
    owner: str
    decision: str

    @property
    def phase(self) -> str:
        """Return in words which part of which work this is."""
        where = f"{self.kind} · {self.stage}"
        if self.stage in STEPS_WITH_PROGRESS:
            return f"{where} · {_part(self.percent)}"
        return f"{where} · {self.step or 'begun'}"


def _part(percent: int) -> str:
    if percent < 10:  # noqa: PLR2004 - the parts are their names
        return "0-10 %"
    return "10-90 %" if percent < 90 else "90-100 %"  # noqa: PLR2004 - likewise


class Books:
    """A connection to the database of one fleet, for one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def held_by(self, pid: int) -> list[Held]:
        """Return what the process with this id holds, which it does for ever once it was killed and nobody came."""
        return [one for one in self.unfinished() if f"/{pid}/" in one.owner]

    def unfinished(self) -> list[Held]:
        """Return every operation that has not ended."""
        rows = self._connection.execute(_UNFINISHED).fetchall()
        return [
            Held(serial, f"{kind.rpartition('.')[2]}.{verb}{COPY if is_copy else ''}", task.rpartition(".")[2], *rest)
            for serial, kind, verb, is_copy, task, *rest in rows
        ]

    def last_serial(self) -> int:
        """Return the number of the operation that was taken down last."""
        return int(self._connection.execute("SELECT COALESCE(MAX(serial), 0) FROM operations_operation").fetchone()[0])

    def ended(self, after: int) -> int:
        """Return how many operations have ended of those that were taken down after the one of this number."""
        found = "SELECT COUNT(*) FROM operations_operation WHERE outcome != '' AND serial > ?"
        return int(self._connection.execute(found, (after,)).fetchone()[0])

    def spoiled(self, after: int) -> list[str]:
        """Return, in words, every later operation that ended otherwise than well, and why."""
        rows = self._connection.execute(
            "SELECT verb, resource_type, resource_id, outcome, fault_code, fault_detail, attempts "
            "FROM operations_operation WHERE outcome NOT IN ('', 'succeeded') AND serial > ? ORDER BY serial",
            (after,),
        )
        return [
            f"{verb} of {kind} {UUID(ident)}: {outcome}, {code}, after {attempts} attempts: {detail}"
            for verb, kind, ident, outcome, code, detail, attempts in rows
        ]

    def has_operation(self, resource_id: str, verb: str) -> bool:
        """Tell whether work of this kind was ever taken down for the resource."""
        found = self._connection.execute(
            "SELECT 1 FROM operations_operation WHERE resource_id = ? AND verb = ?", (UUID(resource_id).hex, verb)
        )
        return found.fetchone() is not None

    def left(self) -> list[str]:
        """Return every row of a volume, snapshot, attachment or backup that there still is, the unlisted included."""
        return [
            f"{table.partition('_')[2]} {UUID(ident)}, {status}"
            for table in _RESOURCES
            for ident, status in self._connection.execute(f"SELECT id, status FROM {table}")  # noqa: S608 - a constant
        ]

    def lent(self) -> list[tuple[str, str]]:
        """Return to what kind of work volumes and snapshots are lent now, and how they are reached."""
        return self._connection.execute(
            "SELECT CASE WHEN snapshot_id IS NULL THEN 'restore' ELSE 'backup' END, connection_info "
            "FROM volumes_attachment WHERE lent_to IS NOT NULL AND connection_info != '{}'"
        ).fetchall()

    def targets(self) -> list[str]:
        """Return the targets that hold a repository."""
        return [target for (target,) in self._connection.execute("SELECT target FROM backups_repository")]


@contextmanager
def opened(path: Path) -> Iterator[Books]:
    """Give the books of the database at `path`, for this thread."""
    with closing(Books(path)) as books:
        yield books
