"""A directory as a backup target: a local disk, or a network file system that several hosts have mounted.

Objects are files and the folders of their names are directories. An object is written under a name nobody else uses,
into a directory that no object's name can reach, made safe with fsync, and only then given its name; nothing of that
relies upon locks, so NFS will do. Each object is synced on its own: one syncfs for 16 of them is a sixth quicker, but
it waits for whatever else is written to that file system (the volumes' own data among it) and reports no error on older
kernels.
"""

import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from drivers.backup.base import BackupTarget, ObjectInfo, TargetCapabilities
from drivers.backup.posix_files import (
    NO_LINKS,
    as_target_errors,
    is_same_file,
    open_below,
    read_into,
    walk,
    write_all,
)
from drivers.backup.settings import TargetEntries
from drivers.backup.unfinished import created, fresh_name, tidy
from drivers.errors import BackendDown, InvalidConfiguration, InvalidName, ObjectMissing, PermanentDriverError

PARTIAL = "~partial"  # no segment of a name: "~" is not allowed there


class PosixTarget(BackupTarget):
    """Keeps objects in the directory `path`, which must exist: an empty mount point is not to be filled by mistake.

    Settings: `path`.
    """

    def __init__(self, key: str, path: Path) -> None:
        self.key = key
        self.capabilities = TargetCapabilities()
        self._path = path
        self._inode: int | None = None
        self._safe_folders: set[str] = set()
        self._safe_folders_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"PosixTarget({self.key!r}, {str(self._path)!r})"

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a target in a directory. :raises InvalidConfiguration: if `path` is not absolute."""
        entries = TargetEntries(key, settings)
        path = entries.text("path")
        if not path.startswith("/") or "\0" in path:
            raise entries.wrong("path", f"must be an absolute path, not {path!r}")
        entries.finish()
        return cls(key, Path(path))

    def check(self) -> None:
        """Write, link and sync a file; remove what dead writers left half written (of other hosts: after a day).

        :raises InvalidConfiguration: if the directory is not there, or not ours to write.
        """
        try:
            with self._doing("checking"):
                if not self._path.is_dir():
                    raise self._misconfigured("is not a directory; make it, or mount what belongs there")
                self._inode = None
                with self._root() as root:
                    self._prepare(root)
                    self._inode = os.fstat(root).st_ino
        except PermanentDriverError as error:
            if type(error) is not PermanentDriverError:
                raise
            raise self._misconfigured(error.message) from error

    def _prepare(self, root: int) -> None:
        """Find out what the directory behind `root` can do, and tidy it."""
        with open_below(root, [PARTIAL], make=True) as partial:
            os.fsync(root)
            name, other = fresh_name(), fresh_name()
            with created(partial, name) as file:
                write_all(file, [memoryview(b"Celinder was here")])
                os.fsync(file)
                now = os.fstat(file).st_mtime  # the server's clock, which dates the leftovers as well
                links = _give_name(partial, name, partial, other)
                self.capabilities = TargetCapabilities(
                    conditional_put=links is True and _give_name(partial, name, partial, other) is False
                )
            with suppress(FileNotFoundError):
                os.unlink(other, dir_fd=partial)
            os.fsync(partial)
            tidy(partial, now=now)

    def _put(self, name: str, buffers: Sequence[memoryview], *, only_if_absent: bool) -> bool:
        """Write a file and give it its name. Raises as the contract says."""
        *folders, leaf = name.split("/")
        with self._doing(f"putting {name}"), self._root() as root, self._made(root, folders) as folder:
            if only_if_absent and _exists(folder, leaf):
                os.fsync(folder)  # who made it may not have come that far
                return False
            temporary = fresh_name()
            with open_below(root, [PARTIAL], make=True) as partial, created(partial, temporary) as file:
                write_all(file, buffers)
                os.fsync(file)
                placed = _place(file, partial, temporary, folder, leaf, only_if_absent=only_if_absent)
                os.fsync(folder)
                return placed

    def _get(self, name: str, offset: int, length: int | None) -> bytes:
        with self._opened(name) as file:
            left = max(0, os.fstat(file).st_size - offset)
            wanted = left if length is None else min(left, length)
            first = os.pread(file, wanted, offset)
            if len(first) == wanted:
                return first
            found = bytearray(wanted)
            return bytes(found[: read_into(file, memoryview(found), offset)])

    def _get_into(self, name: str, view: memoryview, offset: int) -> int:
        with self._opened(name) as file:
            return read_into(file, view, offset)

    def _size(self, name: str) -> int:
        with self._opened(name) as file:
            return os.fstat(file).st_size

    def _delete(self, name: str) -> None:
        """Remove the file, and the name for good: a backup must not come back after a power cut."""
        *folders, leaf = name.split("/")
        with (
            self._doing(f"deleting {name}"),
            self._root() as root,
            suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError),
            open_below(root, folders) as folder,
        ):
            os.unlink(leaf, dir_fd=folder)
            os.fsync(folder)

    def _list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Walk the directories, one of them in memory at a time for each level. Raises as the contract says."""
        *folders, beginning = prefix.split("/")
        above = "".join(f"{folder}/" for folder in folders)
        with (
            self._doing(f"listing {prefix!r}"),
            self._root() as root,
            suppress(FileNotFoundError, NotADirectoryError),
            open_below(root, folders) as folder,
        ):
            for name, found in walk(folder, above, beginning):
                yield ObjectInfo(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """Open the object's file for reading. :raises ObjectMissing: if there is none."""
        *folders, leaf = name.split("/")
        with self._doing(f"reading {name}"), self._root() as root:
            try:
                with open_below(root, folders) as folder:
                    file = os.open(leaf, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise self._missing(name) from error
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise self._missing(name)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _root(self) -> Iterator[int]:
        """Open the directory of the target. :raises BackendDown: if it is not the one that was checked."""
        try:
            root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BackendDown(f"Backup target {self.key!r}: {self._path} is gone; is it mounted?") from error
        try:
            if self._inode not in {None, os.fstat(root).st_ino}:
                raise BackendDown(f"Backup target {self.key!r}: {self._path} is another directory; is it mounted?")
            yield root
        finally:
            os.close(root)

    @contextmanager
    def _made(self, root: int, folders: Sequence[str]) -> Iterator[int]:
        """Open a folder that outlives a power cut, made if need be. :raises InvalidName: if an object is in the way."""
        path = "/".join(folders)
        try:
            with open_below(root, folders, make=True, safe=path not in self._safe_folders) as folder:
                with self._safe_folders_lock:
                    self._safe_folders.add(path)
                yield folder
        except (NotADirectoryError, IsADirectoryError) as error:
            raise InvalidName(f"Backup target {self.key!r}: a name is a folder in another's: {error}") from error

    @contextmanager
    def _doing(self, doing: str) -> Iterator[None]:
        with as_target_errors(f"Backup target {self.key!r} in {self._path}, {doing}"):
            yield

    def _missing(self, name: str) -> ObjectMissing:
        return ObjectMissing(f"Backup target {self.key!r} has no object {name}")

    def _misconfigured(self, complaint: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"Backup target {self.key!r}, entry 'path': {self._path}: {complaint}")


def _exists(folder: int, leaf: str) -> bool:
    """Return whether something has this name. :raises IsADirectoryError: if it is a folder."""
    try:
        found = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(leaf)
    return True


def _place(file: int, partial: int, temporary: str, folder: int, leaf: str, *, only_if_absent: bool) -> bool:
    """Give the written file its name; return False if only an absent one was to be given and there is one.

    A server whose answer was lost is asked again by the kernel and then refuses what it did itself: look who is there.
    """
    if only_if_absent:
        given = _give_name(partial, temporary, folder, leaf)
        if given is not None:
            return given or is_same_file(file, folder, leaf)
    try:
        os.rename(temporary, leaf, src_dir_fd=partial, dst_dir_fd=folder)
    except FileNotFoundError:
        if not is_same_file(file, folder, leaf):
            raise
    return True


def _give_name(source: int, name: str, folder: int, leaf: str) -> bool | None:
    """Link a file to a second name; return False if that is taken, None if the file system has no links."""
    try:
        os.link(name, leaf, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in NO_LINKS:
            return None
        raise
    return True
