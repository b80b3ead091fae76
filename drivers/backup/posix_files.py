"""What a directory target does with files: relative to open directories, never through a symbolic link."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from drivers.backup.base import is_name
from drivers.errors import BackendBusy, BackendDown, DriverError, PermanentDriverError, TargetFull

NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

_AT_ONCE = 512  # buffers of one call; the kernel takes 1024
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_BUSY = {errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR}
_NEVER = {errno.ELOOP, errno.ENAMETOOLONG, errno.EFBIG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}


@contextmanager
def as_target_errors(doing: str) -> Iterator[None]:
    """Turn any `OSError` of the block into the driver error that decides rightly whether trying again helps.

    :raises DriverError: for an error of the operating system, with `doing` in the message.
    """
    try:
        yield
    except OSError as error:
        raise _meaning_of(error, doing) from error


def _meaning_of(error: OSError, doing: str) -> DriverError:
    """Return the driver error for `error`, met while `doing` something."""
    if error.errno in _FULL:
        return TargetFull(f"{doing}: the file system or the quota is full ({error})")
    if error.errno in _FORBIDDEN:
        return PermanentDriverError(f"{doing}: read-only, or not permitted to user {os.geteuid()} ({error})")
    if error.errno == errno.ELOOP:
        return PermanentDriverError(f"{doing}: there is a symbolic link where none belongs ({error})")
    if error.errno in _NEVER:
        return PermanentDriverError(f"{doing}: {error}")
    return (BackendBusy if error.errno in _BUSY else BackendDown)(f"{doing}: {error}")


@contextmanager
def open_below(root: int, folders: Sequence[str], *, make: bool = False, safe: bool = False) -> Iterator[int]:
    """Open the folder that `folders` lead to from `root`; with `make`, those that are missing are made.

    With `safe` every folder on the way will still be there after a power cut, whoever made it.

    :raises OSError: if there is none, or a symbolic link or a file is in the way.
    """
    here = os.dup(root)
    try:
        for name in folders:
            below = _open_folder(here, name, make=make)
            try:
                if safe:
                    os.fsync(here)
            finally:
                os.close(here)
                here = below
        yield here
    finally:
        os.close(here)


def _open_folder(here: int, name: str, *, make: bool) -> int:
    """Open one folder. :raises OSError: if that cannot be; `ELOOP` for a symbolic link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=here)
    except NotADirectoryError as error:
        if stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from error
        raise
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=here)
        return os.open(name, flags, dir_fd=here)


def write_all(file: int, buffers: Sequence[memoryview]) -> None:
    """Write buffers one after the other. :raises OSError: as the system does."""
    waiting = list(reversed(buffers))
    while waiting:
        batch = waiting[: -_AT_ONCE - 1 : -1]
        written = os.writev(file, batch)
        while written:
            buffer = waiting.pop()
            if written < len(buffer):
                waiting.append(buffer[written:])
            written -= min(written, len(buffer))


def read_into(file: int, view: memoryview, offset: int) -> int:
    """Fill `view` from `offset` of a file; return how much there was. :raises OSError: as the system does."""
    done = 0
    while done < len(view):
        count = os.preadv(file, [view[done:]], offset + done)
        if not count:
            break
        done += count
    return done


def is_same_file(file: int, folder: int, leaf: str) -> bool:
    """Return whether an open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(leaf, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return False


def walk(folder: int, above: str, beginning: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files in a folder and below it in the order of their names, `above` before each of them.

    Only what begins with `beginning` in this folder is looked at; what is not an object is passed over.

    :raises OSError: as the system does.
    """
    with os.scandir(folder) as entries:
        names = sorted(_sort_key(entry) for entry in entries if _is_ours(entry.name, beginning))
    for name in names:
        with suppress(FileNotFoundError):  # deleted meanwhile
            if name.endswith("/"):
                with open_below(folder, [name[:-1]]) as below:
                    yield from walk(below, above + name, "")
            else:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    yield above + name, found


def _sort_key(entry: os.DirEntry[str]) -> str:
    """Return the name as it counts in the order: a folder's with its slash."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _is_ours(name: str, beginning: str) -> bool:
    """Return whether this can be an object's or a folder's; `.nfs…` is what NFS makes of deleted files in use."""
    return name.startswith(beginning) and is_name(name) and not name.startswith(".nfs")
