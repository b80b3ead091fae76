"""Where the engine keeps its tables of a project's chunks from one job to the next: a folder of bounded size."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from backups.engine.repository import ProjectStore

MIB = 1024**2
_ENDINGS = ("", "-wal", "-shm")


@contextmanager
def mirror_of(store: ProjectStore) -> Iterator[Path]:
    """Give the folder for a job on this store; what the job keeps there stays while it lasts.

    Afterwards the tables that were not used for the longest time go, until the rest is as large as the settings allow.
    """
    folder = Path(settings.DATA_DIR) / "backup-index"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{store.repository.id}-{store.project_id}.sqlite3"
    with _locked(folder / f"{name}.lock", fcntl.LOCK_SH):
        yield folder
        with suppress(FileNotFoundError):
            os.utime(folder / name)
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
        with suppress(BlockingIOError), _locked(path.with_name(f"{path.name}.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB):
            for ending in _ENDINGS:
                path.with_name(path.name + ending).unlink(missing_ok=True)
            left -= size


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
