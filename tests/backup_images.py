"""Small volumes and repositories for the tests of the backup engine."""

import random
from collections.abc import Iterator
from typing import Self

from backups.engine.keys import MasterKeys
from backups.engine.manifest import Manifest
from backups.engine.pipeline import back_up
from backups.engine.repository import ProjectStore, Repository
from backups.engine.request import Options, Request, Result
from backups.engine.restore import Options as RestoreOptions
from backups.engine.restore import Target, restore
from drivers.backup.base import BackupTarget
from drivers.backup.memory import MemoryTarget, forget
from drivers.connect.base import Connection, Extent
from drivers.memory_pool import PAGE_BYTES, SparseBytes

MASTERS = MasterKeys([bytes(range(32))])
SMALL = Options(chunk_bytes=PAGE_BYTES, segment_slots=8, pack_bytes=4 * PAGE_BYTES, span_bytes=2 * PAGE_BYTES)
PROJECT, OTHER_PROJECT = "a" * 32, "b" * 32


class Image(Connection):
    """A volume in memory that knows its holes."""

    is_read_only = False

    def __init__(self, size: int, content: SparseBytes | None = None) -> None:
        self.size = size
        self.content = content or SparseBytes(size)
        self.reads = 0

    @classmethod
    def open(cls, info) -> Self:
        raise NotImplementedError

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def discard(self, page: int) -> None:
        self.content.pages.pop(page, None)

    def whole(self) -> bytes:
        return self.content.read(self.size, 0)

    def _read_into(self, view: memoryview, offset: int) -> None:
        self.reads += len(view)
        view[:] = self.content.read(len(view), offset)

    def _write(self, view: memoryview, offset: int) -> None:
        self.content.write(view, offset)

    def _write_zeroes(self, length: int, offset: int, *, may_unmap: bool) -> None:
        self.content.zero(length, offset, may_unmap=may_unmap)

    def _extents(self, length: int, offset: int) -> Iterator[Extent]:
        for found in list(self.content.extents(offset, length)):
            yield Extent(*found)


class CountedTarget(MemoryTarget):
    """A target in memory that counts what it is given, and can lose its power."""

    def __init__(self, key: str) -> None:
        super().__init__(key, 4096)
        self.put_bytes = 0
        self.puts: list[str] = []

    def _put(self, name, buffers, *, only_if_absent):
        self.put_bytes += sum(map(len, buffers))
        self.puts.append(name)
        return super()._put(name, buffers, only_if_absent=only_if_absent)


def fresh_target(key: str = "images") -> CountedTarget:
    forget(key)
    return CountedTarget(key)


def project(target: BackupTarget, project_id: str = PROJECT, masters: MasterKeys = MASTERS) -> ProjectStore:
    return Repository.create(target).project(project_id, masters, create=True)


def image(pages: int, *, filled: int | None = None, seed: int = 1, tail: int = 0) -> Image:
    """Return a volume of so many pages and `tail` bytes, its first `filled` pages random."""
    made = Image(pages * PAGE_BYTES + tail)
    generator = random.Random(seed)  # noqa: S311 - content to compare, nothing secret
    for page in range(pages if filled is None else filled):
        made.pwrite(generator.randbytes(PAGE_BYTES), page * PAGE_BYTES)
    return made


def backup(store: ProjectStore, volume: Connection, backup_id: str, *, options: Options = SMALL, **more) -> Result:
    hooks, cache = more.pop("hooks", None), more.pop("cache", None)
    request = Request(backup_id, "volume", more.pop("source", f"snapshot-of-{backup_id}"), **more)
    return back_up(store, [volume], request, options=options, hooks=hooks, cache=cache)


def restored(store: ProjectStore, backup_id: str, *, into: Image | None = None, **more) -> bytes:
    """Return what a restore gives."""
    if into is None:
        into = Image(1024 * PAGE_BYTES)
        manifest = restore(store, backup_id, Target([into], is_fresh=True), **more)
    else:
        manifest = restore(store, backup_id, Target([into], is_fresh=False), **more)
    assert isinstance(manifest, Manifest)
    return into.content.read(manifest.geometry.volume_bytes, 0)


SMALL_WINDOWS = RestoreOptions(window_bytes=3 * PAGE_BYTES, range_bytes=2 * PAGE_BYTES)
