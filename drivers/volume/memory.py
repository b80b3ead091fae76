"""The reference back-end: volumes in the memory of one process, for tests and for trying things out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from drivers import memory_pool
from drivers.entries import Entries
from drivers.errors import BackendFull, NotStored, NotSupported, PermanentDriverError, SnapshotMissing, VolumeMissing
from drivers.fences import FenceBook
from drivers.memory_pool import PAGE_BYTES, MemorySnapshot, MemoryVolume, SparseBytes
from drivers.types import (
    GIB,
    BackendStats,
    ByteRange,
    Capabilities,
    ConnectionInfo,
    ExportRequest,
    Fence,
    SnapshotRef,
    Stored,
    VolumeRef,
    canonical_id,
    id_in,
)
from drivers.volume.base import VolumeDriver


class MemoryDriver(VolumeDriver):
    """Keeps what the contract asks in a pool shared by all drivers of this key in the process.

    Settings: `size_gib`, the sum of sizes the pool will promise (default 100).
    """

    capabilities = Capabilities(
        snapshots=True,
        group_snapshots=True,
        online_extend=True,
        multi_attach=True,
        readonly=True,
        thin=True,
        manage=True,
        node_local=True,
    )

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
        self._make(ref, lambda: SparseBytes(0), fence)

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
        members = {"pool": self.key, "export": request.attachment_id, "volume_id": ref.id, "stored_as": ref.id}
        return ConnectionInfo("memory", members | {"access_mode": request.mode})

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
            kept = (*pool.volumes.values(), *pool.snapshots.values())
            pages = sum(len(it.content.pages) for it in kept)
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
            for volume in (*pool.volumes.values(), *pool.snapshots.values()):
                volume.exports.clear()

    def create_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """Copy the volume's bytes. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(snapshot.id).admit(fence, now=time.time())
            made = pool.snapshots.get(snapshot.id)
            if made is None:
                volume = self._volume(snapshot.volume)
                if volume.size_gib != snapshot.size_gib:
                    raise PermanentDriverError(f"{snapshot.volume.name} has {volume.size_gib} GiB")
                kept = volume.content.copied(volume.content.size)
                pool.snapshots[snapshot.id] = MemorySnapshot(kept, volume.size_gib, volume_id=snapshot.volume.id)
            elif made.volume_id != snapshot.volume.id:
                raise PermanentDriverError(f"{snapshot.name} exists of volume {made.volume_id}")

    def create_snapshots(self, snapshots: Sequence[SnapshotRef], fence: Fence) -> None:
        """Copy the bytes of all volumes while nobody writes. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            for snapshot in snapshots:
                self._book(snapshot.id).admit(fence, now=time.time())
            made = [pool.snapshots.get(snapshot.id) for snapshot in snapshots]
            if not all(made):
                for snapshot, one in zip(snapshots, made, strict=True):
                    if one is not None and one.volume_id == snapshot.volume.id:
                        del pool.snapshots[snapshot.id]
            for snapshot in snapshots:
                self.create_snapshot(snapshot, fence)

    def clone_volumes(self, copies: Sequence[tuple[VolumeRef, VolumeRef]], fence: Fence) -> None:
        """Copy the bytes of all volumes while nobody writes. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            for ref, _source in copies:
                self._book(ref.id).admit(fence, now=time.time())
            made = [pool.volumes.get(ref.id) for ref, _source in copies]
            if not all(made):
                if any(one is not None and one.exports for one in made):
                    raise PermanentDriverError("A volume to be made is exported already")
                for ref, _source in copies:
                    pool.volumes.pop(ref.id, None)
            for ref, source in copies:
                self.clone_volume(ref, source, fence)

    def delete_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """Drop the snapshot. Raises as the contract says."""
        with self._pool().lock:
            self._book(snapshot.id).admit_deletion(fence, now=time.time())
            self._pool().snapshots.pop(snapshot.id, None)

    def create_volume_from_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Copy the snapshot's bytes. Raises as the contract says."""
        self._make(ref, lambda: self._snapshot(snapshot).content, fence)

    def clone_volume(self, ref: VolumeRef, source: VolumeRef, fence: Fence) -> None:
        """Copy the other volume's bytes. Raises as the contract says."""
        self._make(ref, lambda: self._volume(source).content, fence)

    def revert_to_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Copy the snapshot's bytes back. Raises as the contract says."""
        with self._pool().lock:
            self._book(ref.id).admit(fence, now=time.time())
            volume, kept = self._volume(ref), self._snapshot(snapshot)
            if volume.exports:
                raise NotSupported(f"{ref.name} is exported; detach it first")
            if kept.volume_id != ref.id:
                raise PermanentDriverError(f"{snapshot.name} is of volume {kept.volume_id}")
            volume.content = kept.content.copied(volume.content.size)

    def list_snapshots(self) -> Iterator[SnapshotRef]:
        """Yield the snapshots of the pool."""
        with self._pool().lock:
            kept = self._pool().snapshots.items()
            found = [SnapshotRef(name, VolumeRef(it.volume_id, it.size_gib), it.size_gib) for name, it in kept]
        yield from found

    def export_snapshot(self, snapshot: SnapshotRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Let the attachment read. Raises as the contract says."""
        if request.mode != "ro":
            raise NotSupported("A snapshot can only be exported read-only")
        with self._pool().lock:
            record = self._book(snapshot.id).admit_export(request.attachment_id, fence, now=time.time())
            kept = self._snapshot(snapshot)
            record.mode = kept.exports[request.attachment_id] = request.mode
        members = {"pool": self.key, "export": request.attachment_id, "volume_id": kept.volume_id}
        members["stored_as"] = kept.volume_id
        return ConnectionInfo("memory", members | {"snapshot_id": snapshot.id, "access_mode": request.mode})

    def unexport_snapshot(self, snapshot: SnapshotRef, attachment_id: str, fence: Fence) -> None:
        """Shut the attachment out. Raises as the contract says."""
        with self._pool().lock:
            self._book(snapshot.id).admit_export(canonical_id(attachment_id), fence, now=time.time()).mode = None
            if snapshot.id in self._pool().snapshots:
                self._pool().snapshots[snapshot.id].exports.pop(attachment_id, None)

    def changed_ranges(self, snapshot: SnapshotRef, since: SnapshotRef) -> Iterator[ByteRange] | None:
        """Compare the pages. Raises as the contract says."""
        with self._pool().lock:
            later, earlier = self._snapshot(snapshot), self._pool().snapshots.get(since.id)
            if earlier is None or earlier.volume_id != later.volume_id:
                return None
            return iter([ByteRange(*it) for it in later.content.differences(earlier.content)])

    def stored_volumes(self) -> Iterator[Stored]:
        """Yield the volumes of the pool, and what is there under other names."""
        pool = self._pool()
        with pool.lock:
            found = [Stored(f"volume-{name}", it.size_gib, stored_as=name) for name, it in pool.volumes.items()]
            found += [Stored(name, -(-it.size // GIB)) for name, it in pool.foreign.items()]
        yield from found

    def manage_volume(self, ref: VolumeRef, name: str, fence: Fence) -> VolumeRef:
        """Find the volume, or make one of what has another name. Raises as the contract says."""
        pool, known = self._pool(), id_in(name)
        with pool.lock:
            stored_as = known if known in pool.volumes else ref.id
            self._book(stored_as).admit(fence, now=time.time())
            if stored_as not in pool.volumes:
                if name not in pool.foreign:
                    raise NotStored(f"There is nothing called {name!r} on back-end {self.key!r}")
                content = pool.foreign.pop(name)
                size_gib = -(-content.size // GIB)
                content.size = size_gib * GIB
                pool.volumes[stored_as] = MemoryVolume(content, size_gib)
            return VolumeRef(stored_as, pool.volumes[stored_as].size_gib)

    def unmanage_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """Shut every attachment out. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(ref.id).admit_deletion(fence, now=time.time())
            if ref.id in pool.volumes:
                pool.volumes[ref.id].exports.clear()

    def stored_snapshots(self) -> Iterator[Stored]:
        """Yield the snapshots of the pool."""
        with self._pool().lock:
            kept = self._pool().snapshots.items()
            found = [Stored(f"snapshot-{name}", it.size_gib, stored_as=name, of=it.volume_id) for name, it in kept]
        yield from found

    def manage_snapshot(self, volume: VolumeRef, name: str, fence: Fence) -> SnapshotRef:
        """Find the snapshot. Raises as the contract says."""
        pool, known = self._pool(), id_in(name)
        with pool.lock:
            kept = pool.snapshots.get(known) if name == f"snapshot-{known}" else None
            if kept is None or kept.volume_id != volume.id:
                raise NotStored(f"{volume.name} has no snapshot called {name!r} on back-end {self.key!r}")
            self._book(known).admit(fence, now=time.time())
            return SnapshotRef(known, volume, kept.size_gib)

    def unmanage_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """Shut every attachment out. Raises as the contract says."""
        pool = self._pool()
        with pool.lock:
            self._book(snapshot.id).admit_deletion(fence, now=time.time())
            if snapshot.id in pool.snapshots:
                pool.snapshots[snapshot.id].exports.clear()

    def _make(self, ref: VolumeRef, find: Callable[[], SparseBytes], fence: Fence) -> None:
        """Make a volume that begins with the bytes found. Raises as the contract says, or what `find` raises."""
        pool = self._pool()
        with pool.lock:
            self._book(ref.id).admit(fence, now=time.time())
            volume = pool.volumes.get(ref.id)
            if volume is None:
                origin = find()
                if origin.size > ref.size_gib * GIB:
                    raise PermanentDriverError(f"{ref.name} cannot be smaller than what it is made from")
                self._need_room(ref.size_gib)
                pool.volumes[ref.id] = MemoryVolume(origin.copied(ref.size_gib * GIB), ref.size_gib)
            elif volume.size_gib != ref.size_gib:
                raise PermanentDriverError(f"{ref.name} exists with {volume.size_gib} GiB, not {ref.size_gib}")

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

    def _snapshot(self, snapshot: SnapshotRef) -> MemorySnapshot:
        """Return the snapshot. :raises SnapshotMissing: if there is none."""
        kept = self._pool().snapshots.get(snapshot.id)
        if kept is None:
            raise SnapshotMissing(f"{snapshot.name} does not exist on back-end {self.key!r}")
        return kept

    def _provisioned_gib(self) -> int:
        return sum(volume.size_gib for volume in self._pool().volumes.values())

    def _need_room(self, more_gib: int) -> None:
        """Compare with the limit. :raises BackendFull: if `more_gib` would exceed it."""
        if more_gib > 0 and self._provisioned_gib() + more_gib > self._size_gib:
            raise BackendFull(f"Back-end {self.key!r} has no room for {more_gib} GiB more")
