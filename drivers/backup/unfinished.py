"""Files that are being written: under names of their own in one folder, and out of it again if their writer dies.

A writer holds a lock on its file (flock(2)), which the kernel takes from the dead at once. What a lock says is believed
for files of this host only, since network file systems need not share locks; those of other hosts go when they are old.
"""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

OLD_S = 24 * 3600  # much longer than any object takes to be written
YOUNG_S = 2  # between making a file and locking it; a writer that is interrupted for longer is refused, and writes anew


def fresh_name() -> str:
    """Return a name that nobody else uses, and that says which host is writing."""
    return f"{uuid.uuid4().hex}.{_host()}"


@contextmanager
def created(folder: int, name: str) -> Iterator[int]:
    """Make a file, open for writing and held, and remove this name of it in the end. :raises OSError: as usual."""
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        with suppress(OSError):  # a file system without locks: then age alone decides
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        os.close(file)


def tidy(folder: int, *, now: float) -> None:
    """Remove the files whose writers are dead, or must be. `now` is the clock that dates them.

    :raises OSError: as the system does.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another worker tidies as well
                age_s = now - entry.stat(follow_symlinks=False).st_mtime
                if age_s > OLD_S or (age_s > YOUNG_S and _is_abandoned(folder, entry.name)):
                    os.unlink(entry.name, dir_fd=folder)


def _is_abandoned(folder: int, name: str) -> bool:
    """Return whether this is a file of this host that nobody holds."""
    if not name.endswith(f".{_host()}"):
        return False
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held, or there are no locks to tell
        return False
    finally:
        os.close(file)
    return True


@cache
def _host() -> str:
    """Return what stands for this host until it is started again, when its writers are dead and files only grow old."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    return hashlib.blake2b(boot, digest_size=6).hexdigest()
