"""A program that backs a made-up volume up to a directory and stops in the middle of it, to be killed."""

import itertools
import sys
from pathlib import Path

from backups.engine.progress import Hooks
from backups.engine.repository import ProjectStore
from backups.engine.request import Options, Result
from drivers.backup.posix import PosixTarget
from tests.backup_images import backup, project
from tests.backup_memory import MIB, Endless

SIZE = 48 * MIB
INTERVAL = 6 * MIB
OPTIONS = Options(chunk_bytes=MIB // 4, pack_bytes=2 * MIB, span_bytes=MIB, workers=2, checkpoint_bytes=INTERVAL)


def volume() -> Endless:
    return Endless(SIZE, [(0, SIZE)])


def open_store(path: Path) -> ProjectStore:
    target = PosixTarget.from_settings("directory", {"path": str(path)})
    target.check()
    return project(target)


def run(path: Path, *, packs: int | None = None) -> Result:
    """Back up; after so many packs tell it and wait for the end, with others on their way."""
    counted = itertools.count(1)

    def limit(_bytes: int) -> None:
        if next(counted) == packs:
            print("stopped", flush=True)  # noqa: T201 - heard by a test
            sys.stdin.read()

    return backup(open_store(path), volume(), "one", options=OPTIONS, hooks=Hooks(limit=limit))


if __name__ == "__main__":
    run(Path(sys.argv[1]), packs=int(sys.argv[2]))
