"""The contract of a backup target: a place that keeps whole objects under names."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from drivers.errors import InvalidName

Readable = bytes | bytearray | memoryview
Writable = bytearray | memoryview
Content = Readable | Sequence[Readable]
"""What can be put: one buffer, or several that become one object in their order."""

NAME_LENGTH = 512
SEGMENT_LENGTH = 200  # what a file system takes less room for marks of its own

_SEGMENT = rf"(?!\.{{1,2}}(?:/|\Z))[A-Za-z0-9._-]{{1,{SEGMENT_LENGTH}}}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*", re.ASCII)
_PREFIX = re.compile(rf"(?:{_SEGMENT}/)*[A-Za-z0-9._-]{{0,{SEGMENT_LENGTH}}}", re.ASCII)


def is_name(given: str) -> bool:
    """Return whether objects can have this name."""
    return len(given) <= NAME_LENGTH and _NAME.fullmatch(given) is not None


def checked_name(given: str) -> str:
    """Return `given` unchanged if objects can have this name.

    :raises InvalidName: if it is anything but segments of letters, digits and `._-` with slashes between them, none of
        them `.` or `..`.
    """
    if not isinstance(given, str) or not is_name(given):
        raise InvalidName(f"{str(given)[:64]!r} is not the name of an object on a backup target")
    return given


def buffers_of(content: Content) -> list[memoryview]:
    """Return the buffers of `content` that are not empty, as bytes, without copying them."""
    given = [content] if isinstance(content, bytes | bytearray | memoryview) else content
    return [view for view in (memoryview(buffer).cast("B") for buffer in given) if view]


@dataclass(frozen=True, slots=True)
class TargetCapabilities:
    """What a target can do, as `check` found it."""

    conditional_put: bool = False
    """Of several writers that put the same name with `only_if_absent` exactly one is told True, wherever they run.

    Without it `only_if_absent` looks first and puts then: two writers that do so at once may both be told True.
    """


class ObjectInfo(NamedTuple):
    """An object as a listing shows it."""

    name: str
    size: int
    modified_at: datetime
    """When it was last put, in UTC and by the target's clock."""


class BackupTarget(ABC):
    """A place for whole objects, for many threads at once, each call complete within bounded time.

    Names are segments of `[A-Za-z0-9._-]` with slashes between them; no object's name may be a folder in another's.
    What was put is seen by every later call of everybody. Nobody ever sees a part of an object, whoever is killed.

    Every call may raise `BackendDown` or `BackendBusy` (the same call may work later; a put may then have happened or
    not) and `PermanentDriverError` (the target refuses). No text of an error and no `repr` contains a credential.
    """

    key: str
    capabilities: TargetCapabilities
    """Known after `check`; before it, the least."""

    @classmethod
    @abstractmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make target `key` as its settings say; touches nothing.

        :raises InvalidConfiguration: naming the target and the entry that is wrong.
        """

    @abstractmethod
    def check(self) -> None:
        """Make sure that the target can be reached, written and read, and find out its capabilities.

        Clears what writers that were killed long ago left behind. To be called at start-up; may be repeated.

        :raises InvalidConfiguration: if the settings, or the place they name, must be corrected first.
        """

    def put(self, name: str, content: Content, *, only_if_absent: bool = False) -> bool:
        """Make `content` the whole object `name`; it is safe on the target when this returns.

        Return False if `only_if_absent` and there is such an object already, which is left alone. True otherwise.

        :raises InvalidName: if this cannot be a name.
        :raises TargetFull: if there is no room; what was there before is still there.
        """
        return self._put(checked_name(name), buffers_of(content), only_if_absent=only_if_absent)

    def get(self, name: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Return what object `name` has from `offset`, at most `length` bytes: fewer at its end, none beyond it.

        :raises InvalidName: if this cannot be a name.
        :raises ObjectMissing: if there is no such object.
        :raises ValueError: if `offset` or `length` is negative.
        """
        _check_range(offset, length)
        return self._get(checked_name(name), offset, length)

    def get_into(self, name: str, buffer: Writable, *, offset: int = 0) -> int:
        """Fill `buffer` with what object `name` has from `offset`; return how many bytes there were, up to its length.

        :raises InvalidName: if this cannot be a name.
        :raises ObjectMissing: if there is no such object.
        :raises ValueError: if `offset` is negative.
        """
        _check_range(offset, None)
        with memoryview(buffer).cast("B") as view:
            return self._get_into(checked_name(name), view, offset)

    def size(self, name: str) -> int:
        """Return how many bytes object `name` has.

        :raises InvalidName: if this cannot be a name.
        :raises ObjectMissing: if there is no such object.
        """
        return self._size(checked_name(name))

    def delete(self, name: str) -> None:
        """Make object `name` not be there any more; if it was not there, do nothing.

        :raises InvalidName: if this cannot be a name.
        """
        self._delete(checked_name(name))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose names begin with `prefix`, in the order of their names as ASCII.

        Where a folder is named like the beginning of its neighbour (`a/` beside `a-b` or `a.b`) some servers show all
        of the folder first: who relies on the order avoids such names.

        What is put or deleted meanwhile may be seen or not; everything else is seen exactly once. What is not a name
        of ours is passed over.

        :raises InvalidName: if no name can begin like this.
        """
        if not isinstance(prefix, str) or len(prefix) > NAME_LENGTH or not _PREFIX.fullmatch(prefix):
            raise InvalidName(f"{str(prefix)[:64]!r} is not the beginning of an object's name")
        return self._list(prefix)

    @abstractmethod
    def _put(self, name: str, buffers: Sequence[memoryview], *, only_if_absent: bool) -> bool:
        """Do what `put` says, with buffers of bytes that are not empty."""

    @abstractmethod
    def _get(self, name: str, offset: int, length: int | None) -> bytes:
        """Do what `get` says."""

    @abstractmethod
    def _get_into(self, name: str, view: memoryview, offset: int) -> int:
        """Do what `get_into` says; `view` may be empty."""

    @abstractmethod
    def _size(self, name: str) -> int:
        """Do what `size` says."""

    @abstractmethod
    def _delete(self, name: str) -> None:
        """Do what `delete` says."""

    @abstractmethod
    def _list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Do what `list` says."""


def _check_range(offset: int, length: int | None) -> None:
    """Refuse what is before the beginning. :raises ValueError: if a number is negative."""
    if offset < 0 or (length is not None and length < 0):
        raise ValueError(f"{length} bytes at {offset} are not a part of an object")
