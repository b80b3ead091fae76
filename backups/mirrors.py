"""Where the engine keeps its tables of a project's chunks from one job to the next: a folder of bounded size."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from backups.engine.repository import ProjectStore
from drivers.errors import TransientDriverError

MIB = 1024**2
_ENDINGS = ("", "-wal", "-shm")


class MirrorUnusable(TransientDriverError):
    """A table of chunks that jobs share cannot be used now; the next attempt does without it."""

    code = "backup-mirror-unusable"


@contextmanager
def mirror_of(store: ProjectStore, *, is_shared: bool = True) -> Iterator[Path | None]:
    """Give the folder for a job on this store; what the job keeps there stays while it lasts. None for one of its own.

    Afterwards the tables that were not used for the longest time go, until the rest is as large as the settings allow.

    :raises MirrorUnusable: if somebody holds the table, for instance a worker that stands still, or it is damaged.
    """
    if not is_shared:
        yield None
        return
    folder = Path(settings.DATA_DIR) / "backup-index"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{store.repository.id}-{store.project_id}.sqlite3"
    try:
        with _locked(_lock_of(path), fcntl.LOCK_SH):
            yield folder
            with suppress(FileNotFoundError):
                os.utime(path)
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            _remove(path)
        raise MirrorUnusable from error
    _tidy(folder, settings.BACKUP_INDEX_CACHE_MIB * MIB)


def _tidy(folder: Path, most_bytes: int) -> None:
    """Remove tables that nobody uses at this moment, the oldest first."""
    found = []
    for path in folder.glob("*.sqlite3"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, _size_of(path), path))
    left = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if left <= most_bytes:
            return
        left -= size if _remove(path) else 0


def _remove(path: Path) -> bool:
    """Remove a table, unless somebody uses it; tell whether it has gone."""
    try:
        with _locked(_lock_of(path), fcntl.LOCK_EX | fcntl.LOCK_NB):
            for ending in _ENDINGS:
                path.with_name(path.name + ending).unlink(missing_ok=True)
    except BlockingIOError:
        return False
    return True


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _size_of(path: Path) -> int:
    beside = (path.with_name(path.name + ending) for ending in _ENDINGS)
    return sum(file.stat().st_size for file in beside if file.exists())


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock file. :raises BlockingIOError: if it is not to be waited for and somebody has it."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, how)
        yield
    finally:
        os.close(opened)
