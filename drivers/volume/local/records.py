"""Fence books in files, and the locks under which claims compare and act."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drivers.errors import BackendBusy, BackendDown
from drivers.fences import FenceBook
from drivers.volume.local.layout import Layout
from drivers.volume.local.slots import SlottedFile

LOCK_WAIT_S = 15.0
_POLL_S = (0.001, 0.05)


class LockedRecord:
    """A volume's fence book while its lock is held."""

    def __init__(self, path: Path) -> None:
        self._file = SlottedFile(path)
        self.book = _read(self._file, path)
        self._stored = self.book.as_json()

    def save(self) -> None:
        """Make the book durable, if it changed; do this before acting. :raises OSError: as writing does."""
        self.book.tidy(now=time.time())
        changed = self.book.as_json()
        if changed == self._stored:
            return
        self._file.write(json.dumps(changed).encode())
        self._stored = changed


@contextmanager
def locked_record(layout: Layout, volume_id: str, *, wait_s: float = LOCK_WAIT_S) -> Iterator[LockedRecord]:
    """Hold a volume's lock for the block, and give its fence book.

    :raises BackendBusy: if somebody else holds it longer than `wait_s`.
    :raises BackendDown: if the record cannot be read: what was seen is never forgotten silently.
    """
    with locked(layout.lock(volume_id), wait_s=wait_s):
        yield LockedRecord(layout.record(volume_id))


@contextmanager
def locked(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold the lock of file `path`, made if need be, for the block; death of the process releases it.

    :raises BackendBusy: if somebody else holds it longer than `wait_s`, with the holder's process id.
    :raises OSError: if the file cannot be opened.
    """
    handle = _acquire(path, time.monotonic() + wait_s)
    try:
        yield
    finally:
        os.close(handle)


def forget_record(layout: Layout, volume_id: str) -> None:
    """Remove a volume's record and its lock; the caller holds it, and waiters notice. :raises OSError: if it fails."""
    layout.record(volume_id).unlink(missing_ok=True)
    layout.lock(volume_id).unlink(missing_ok=True)


def _acquire(path: Path, deadline: float) -> int:
    """Return a descriptor that holds the lock of `path`. :raises BackendBusy: at the deadline."""
    pause, longest = _POLL_S
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, handle):
                with suppress(OSError):  # a note for those who wait; a full disk may refuse it
                    os.pwrite(handle, f"{os.getpid():<10}\n".encode(), 0)
                return handle
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
                os.close(handle)
                raise BackendBusy(f"{path.stem} is locked by process {holder or 'unknown'}; try again") from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(pause)
        pause = min(pause * 2, longest)


def _is_still(path: Path, handle: int) -> bool:
    """Tell whether the open file is the one now called `path`: a tidied lock must not be held by anybody."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _read(file: SlottedFile, path: Path) -> FenceBook:
    """Return the book in a file, an empty one if there is none. :raises BackendDown: if it is damaged."""
    try:
        content = file.read()
        return FenceBook() if content is None else FenceBook.from_json(json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise BackendDown(
            f"The fence record {path} is damaged ({error}); if no other worker can be at work on this volume, delete it"
        ) from error
