"""Snapshots and clones of several volumes of the local back-end at one moment.

Locks are taken in the order of the other calls, each kind by id: what is made, then what it is made from. All are held
until everything is made, so whoever finds everything made has found the work of one call.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from drivers.errors import BackendFull, PermanentDriverError
from drivers.types import Fence, SnapshotRef, VolumeRef
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.layers import LayerDirectory, Order
from drivers.volume.local.records import LockedRecord, locked, locked_record
from drivers.volume.local.room import need_room
from drivers.volume.local.snapshots import SnapshotCalls


class GroupCalls(SnapshotCalls):
    """The part of the local driver that deals with several volumes at once."""

    def create_snapshots(self, snapshots: Sequence[SnapshotRef], fence: Fence) -> None:
        """Seal all volumes at one moment and link their layers. Raises as the contract says."""
        with as_driver_errors(f"making {len(snapshots)} snapshots", full=BackendFull), ExitStack() as locks:
            self._admit(self._all_locked(locks, [it.id for it in snapshots]), fence)
            directories = [LayerDirectory(self._layout.snapshot_layers(it.id)) for it in snapshots]
            kept = [directory.order() for directory in directories]
            for snapshot, order in zip(snapshots, kept, strict=True):
                if order is not None and order.volume_id != snapshot.volume.id:
                    raise PermanentDriverError(f"{snapshot.name} exists of volume {order.volume_id}")
            if all(order is not None for order in kept):
                return
            self._all_locked(locks, [it.volume.id for it in snapshots])
            for it in snapshots:
                if self._size_gib(it.volume) != it.size_gib:
                    raise PermanentDriverError(f"{it.volume.name} does not have {it.size_gib} GiB any more")
            for directory in directories:
                directory.remove()
            sealed = self._sealed_together([it.volume for it in snapshots])
            for snapshot, directory, (source, order) in zip(snapshots, directories, sealed, strict=True):
                with directory.replaced() as made:
                    made.link(source, order)
                    made.write(Order(order.layers, snapshot.volume.id, snapshot.size_gib))
        self._fold_all(it.volume for it in snapshots)

    def clone_volumes(self, copies: Sequence[tuple[VolumeRef, VolumeRef]], fence: Fence) -> None:
        """Seal all sources at one moment and put empty layers on top of theirs. Raises as the contract says."""
        with as_driver_errors(f"cloning {len(copies)} volumes", full=BackendFull), ExitStack() as locks:
            records = self._all_locked(locks, [ref.id for ref, _source in copies])
            self._admit(records, fence)
            are_made = [self._is_made(ref) for ref, _source in copies]
            if all(are_made):
                return
            if any(record.book.wanted for record in records):
                raise PermanentDriverError("A volume to be made is exported already")
            self._all_locked(locks, [source.id for _ref, source in copies])
            for ref, source in copies:
                if ref.size_gib < self._size_gib(source):
                    raise PermanentDriverError(f"{ref.name} cannot be smaller than {source.name}")
            for ref, _source in copies:
                self._drop_volume(ref)
            locks.enter_context(locked(self._layout.capacity_lock))
            need_room(self._configuration, self._layout, sum(ref.size_gib for ref, _source in copies))
            sealed = self._sealed_together([source for _ref, source in copies])
            for (ref, _source), (directory, order) in zip(copies, sealed, strict=True):
                self._make_on(ref, directory, order)
        self._fold_all(source for _ref, source in copies)

    def _all_locked(self, locks: ExitStack, ids: Iterable[str]) -> list[LockedRecord]:
        """Lock volumes or snapshots until `locks` ends. :raises BackendBusy: if somebody keeps one too long."""
        return [locks.enter_context(locked_record(self._layout, one)) for one in sorted(set(ids))]

    def _admit(self, records: Iterable[LockedRecord], fence: Fence) -> None:
        """Record that `fence` acts on all of them. :raises StaleFence: if a later one has on any."""
        for record in records:
            record.book.admit(fence, now=time.time())
        for record in records:
            record.save()

    def _fold_all(self, refs: Iterable[VolumeRef]) -> None:
        for ref in refs:
            self._fold(ref, is_hurried=True)
