"""The reference target: objects in the memory of one process, for tests and for trying things out."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from drivers.backup.base import BackupTarget, ObjectInfo, TargetCapabilities
from drivers.backup.settings import TargetEntries
from drivers.errors import InvalidName, ObjectMissing, TargetFull


@dataclass(slots=True)
class Shelf:
    """All objects of one memory target. Hold `lock` while looking or changing."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    used_bytes: int = 0


_shelves: dict[str, Shelf] = {}
_shelves_lock = threading.Lock()


def shelf(key: str) -> Shelf:
    """Return the objects of target `key`, the same for everybody in this process."""
    with _shelves_lock:
        return _shelves.setdefault(key, Shelf())


def forget(key: str) -> None:
    """Drop the objects of target `key`."""
    with _shelves_lock:
        _shelves.pop(key, None)


class MemoryTarget(BackupTarget):
    """Keeps objects on a shelf shared by all targets of this key in the process.

    Settings: `size_mib`, how much they may be together (default 1024).
    """

    capabilities = TargetCapabilities(conditional_put=True)

    def __init__(self, key: str, size_mib: float) -> None:
        self.key = key
        self._limit_bytes = int(size_mib * 1024**2)

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a target on the shelf of `key`. :raises InvalidConfiguration: if `size_mib` is no positive number."""
        entries = TargetEntries(key, settings)
        size_mib = entries.number("size_mib", 1024, minimum=0)
        entries.finish()
        return cls(key, size_mib)

    def check(self) -> None:
        """Find nothing to complain about: memory needs no preparation."""

    def _put(self, name: str, buffers: Sequence[memoryview], *, only_if_absent: bool) -> bool:
        """Keep a copy. Raises as the contract says."""
        content = b"".join(buffers)
        place = shelf(self.key)
        with place.lock:
            if only_if_absent and name in place.objects:
                return False
            self._need_folders(name, place)
            more = len(content) - len(place.objects.get(name, (b"",))[0])
            if more > 0 and place.used_bytes + more > self._limit_bytes:
                raise TargetFull(f"Backup target {self.key!r} has no room for {more} bytes more")
            place.used_bytes += more
            place.objects[name] = content, datetime.now(UTC)
            return True

    def _need_folders(self, name: str, place: Shelf) -> None:
        """Refuse what a directory could not hold. :raises InvalidName: if a name is a folder in another."""
        parts = name.split("/")
        above = {"/".join(parts[:count]) for count in range(1, len(parts))}
        if above & place.objects.keys() or any(other.startswith(f"{name}/") for other in place.objects):
            raise InvalidName(f"{name!r} is a folder in another object's name, or the reverse")

    def _get(self, name: str, offset: int, length: int | None) -> bytes:
        return self._content(name)[offset : None if length is None else offset + length]

    def _get_into(self, name: str, view: memoryview, offset: int) -> int:
        found = self._get(name, offset, len(view))
        view[: len(found)] = found
        return len(found)

    def _size(self, name: str) -> int:
        return len(self._content(name))

    def _delete(self, name: str) -> None:
        place = shelf(self.key)
        with place.lock:
            content, _ = place.objects.pop(name, (b"", None))
            place.used_bytes -= len(content)

    def _list(self, prefix: str) -> Iterator[ObjectInfo]:
        place = shelf(self.key)
        with place.lock:
            found = [
                ObjectInfo(name, len(content), put_at)
                for name, (content, put_at) in place.objects.items()
                if name.startswith(prefix)
            ]
        yield from sorted(found)

    def _content(self, name: str) -> bytes:
        """Return an object. :raises ObjectMissing: if there is none."""
        place = shelf(self.key)
        with place.lock:
            if name not in place.objects:
                raise ObjectMissing(f"Backup target {self.key!r} has no object {name}")
            return place.objects[name][0]
