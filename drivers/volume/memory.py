"""The reference back-end: volumes in the memory of one process, for tests and for trying things out."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

from drivers import memory_pool
from drivers.errors import BackendFull, NotSupported, PermanentDriverError, VolumeMissing
from drivers.fences import FenceBook
from drivers.memory_pool import PAGE_BYTES, MemoryVolume, SparseBytes
from drivers.types import (
    GIB,
    BackendStats,
    Capabilities,
    ConnectionInfo,
    ExportRequest,
    Fence,
    VolumeRef,
    canonical_id,
)
from drivers.volume.base import VolumeDriver
from drivers.volume.entries import Entries


class MemoryDriver(VolumeDriver):
    """Keeps what the contract asks in a pool shared by all drivers of this key in the process.

    Settings: `size_gib`, the sum of sizes the pool will promise (default 100).
    """

    capabilities = Capabilities(online_extend=True, multi_attach=True, readonly=True, thin=True, node_local=True)

    def __init__(self, key: str, size_gib: float) -> None:
        self.key = key
        self._size_gib = size_gib

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a driver on the pool of `key`. :raises InvalidConfiguration: if `size_gib` is no positive number."""
        entries = Entries(key, settings)
        size_gib = entries.number("size_gib", 100, minimum=0)
        entries.finish()
        return cls(key, size_gib)

    def check(self) -> None:
        """Find nothing to complain about: memory needs no preparation."""

    def create_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """Make an empty volume. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(ref.id).admit(fence, now=time.time())
            volume = pool.volumes.get(ref.id)
            if volume is None:
                self._need_room(ref.size_gib)
                pool.volumes[ref.id] = MemoryVolume(SparseBytes(ref.size_gib * GIB), ref.size_gib)
            elif volume.size_gib != ref.size_gib:
                raise PermanentDriverError(f"{ref.name} exists with {volume.size_gib} GiB, not {ref.size_gib}")

    def delete_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """Drop the volume. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(ref.id).admit_deletion(fence, now=time.time())
            gone = pool.volumes.pop(ref.id, None)
            if gone is not None:
                gone.exports.clear()

    def extend_volume(self, ref: VolumeRef, new_size_gib: int, fence: Fence) -> None:
        """Enlarge the volume. Raises as the contract says."""
        with self._pool().lock:
            self._book(ref.id).admit(fence, now=time.time())
            volume = self._volume(ref)
            if new_size_gib < volume.size_gib:
                raise NotSupported(f"{ref.name} has {volume.size_gib} GiB and cannot shrink to {new_size_gib}")
            self._need_room(new_size_gib - volume.size_gib)
            volume.size_gib = new_size_gib
            volume.content.size = new_size_gib * GIB

    def export(self, ref: VolumeRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Let the attachment in. Raises as the contract says."""
        with self._pool().lock:
            record = self._book(ref.id).admit_export(request.attachment_id, fence, now=time.time())
            volume = self._volume(ref)
            record.mode = volume.exports[request.attachment_id] = request.mode
        members = {"pool": self.key, "export": request.attachment_id, "volume_id": ref.id, "access_mode": request.mode}
        return ConnectionInfo("memory", members)

    def unexport(self, ref: VolumeRef, attachment_id: str, fence: Fence) -> None:
        """Shut the attachment out. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(ref.id).admit_export(canonical_id(attachment_id), fence, now=time.time()).mode = None
            if ref.id in pool.volumes:
                pool.volumes[ref.id].exports.pop(attachment_id, None)

    def exports(self, ref: VolumeRef) -> frozenset[str]:
        """Return the attachments that are let in."""
        pool = self._pool()
        with pool.lock:
            volume = pool.volumes.get(ref.id)
            return frozenset(volume.exports if volume else ())

    def stats(self) -> BackendStats:
        """Return how much of the pool is promised and used."""
        pool = self._pool()
        with pool.lock:
            provisioned = self._provisioned_gib()
            pages = sum(len(volume.content.pages) for volume in pool.volumes.values())
            return BackendStats(
                total_gib=float(self._size_gib),
                free_gib=max(0.0, float(self._size_gib - provisioned)),
                allocated_gib=pages * PAGE_BYTES / GIB,
                provisioned_gib=float(provisioned),
                volumes=len(pool.volumes),
                driver_version="1.0",
                vendor_name="Celinder",
                storage_protocol="memory",
                is_thin=True,
            )

    def list_volumes(self) -> Iterator[VolumeRef]:
        """Yield the volumes of the pool."""
        pool = self._pool()
        with pool.lock:
            found = [VolumeRef(name, volume.size_gib) for name, volume in pool.volumes.items()]
        yield from found

    def stop_exports(self) -> None:
        """Shut every attachment out; the books keep what each was allowed."""
        pool = self._pool()
        with pool.lock:
            for volume in pool.volumes.values():
                volume.exports.clear()

    def _pool(self) -> memory_pool.MemoryPool:
        return memory_pool.pool(self.key)

    def _book(self, volume_id: str) -> FenceBook:
        return self._pool().books.setdefault(volume_id, FenceBook())

    def _volume(self, ref: VolumeRef) -> MemoryVolume:
        """Return the volume. :raises VolumeMissing: if there is none."""
        volume = self._pool().volumes.get(ref.id)
        if volume is None:
            raise VolumeMissing(f"{ref.name} does not exist on back-end {self.key!r}")
        return volume

    def _provisioned_gib(self) -> int:
        return sum(volume.size_gib for volume in self._pool().volumes.values())

    def _need_room(self, more_gib: int) -> None:
        """Compare with the limit. :raises BackendFull: if `more_gib` would exceed it."""
        if more_gib > 0 and self._provisioned_gib() + more_gib > self._size_gib:
            raise BackendFull(f"Back-end {self.key!r} has no room for {more_gib} GiB more")
