"""Where the processes of one web server keep their counts of requests: a directory that lives as long as it does."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client's; read when it is imported
PREFIX = "celinder-metrics-"
_LOCK = "lock"
_held: dict[str, int] = {}


def begin() -> None:
    """Make the directory for this process and those it starts, unless somebody has named one.

    Directories that servers which were killed have left are removed: nobody holds their locks.
    """
    if os.environ.get(VARIABLE):
        return
    place = Path(tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            _remove_if_left(left)
    made = tempfile.mkdtemp(prefix=PREFIX, dir=place)
    lock = os.open(Path(made) / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.environ[VARIABLE] = made
    _held[made] = lock


def end() -> None:
    """Remove the directory that this process made."""
    while _held:
        made, lock = _held.popitem()
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)
        os.environ.pop(VARIABLE, None)


def _remove_if_left(path: Path) -> None:
    """Remove the directory of a server that lives no more. :raises OSError: if it is another's, or in use."""
    if path.stat().st_uid != os.geteuid() or path.is_symlink():
        return
    lock = os.open(path / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)
