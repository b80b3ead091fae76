"""A program that backs up and restores volumes of any size in a process of its own, and prints its peak memory."""

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from backups.engine.request import Options
from backups.engine.restore import Target, restore
from backups.engine.verify import verify
from drivers.connect.base import Connection, Extent
from tests.backup_images import backup, fresh_target, project

MIB = 1024**2


class Endless(Connection):
    """A volume of any size that is made up while it is read: data at the given places, holes elsewhere."""

    is_read_only = False

    def __init__(self, size: int, data: list[tuple[int, int]]) -> None:
        self.size, self._data = size, data
        self._block = random.Random(1).randbytes(2 * MIB)  # noqa: S311 - content only

    @classmethod
    def open(cls, info) -> Self:
        raise NotImplementedError

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _read_into(self, view: memoryview, offset: int) -> None:
        for done in range(0, len(view), MIB):
            shift = (offset + done) // MIB % MIB
            part = min(MIB, len(view) - done)
            view[done : done + part] = self._block[shift : shift + part]

    def _write(self, view: memoryview, offset: int) -> None:
        pass

    def _extents(self, length: int, offset: int) -> Iterator[Extent]:
        at, end = offset, offset + length
        for start, count in self._data:
            first, last = max(start, at), min(start + count, end)
            if first < last:
                if at < first:
                    yield Extent(at, first - at, is_data=False)
                yield Extent(first, last - first, is_data=True)
                at = last
        if at < end:
            yield Extent(at, end - at, is_data=False)


def peak_bytes() -> int:
    """Return the most memory that this process ever had."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main(size: int, data: list[tuple[int, int]]) -> dict[str, float]:
    """Back up, restore and verify; return peaks above the idle process, the target's memory taken off."""
    store = project(fresh_target("memory"))
    volume = Endless(size, data)
    idle, began = peak_bytes(), time.monotonic()
    backup(store, volume, "one", options=Options())
    kept = sum(found.size for found in store.target.list(""))
    peaks = {"backup": peak_bytes() - idle - kept}
    restore(store, "one", Target([volume], is_fresh=True))
    peaks["restore"] = peak_bytes() - idle - kept
    assert verify(store).is_sound
    return peaks | {"verify": peak_bytes() - idle - kept, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    print(json.dumps(main(*json.loads(sys.argv[1]))))  # noqa: T201 - a program's answer
