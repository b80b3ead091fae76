"""Snapshots, clones and volumes from snapshots of the local back-end: links to layers that nobody writes any more."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from drivers.errors import BackendFull, DriverError, NotSupported, PermanentDriverError, SnapshotMissing, VolumeMissing
from drivers.types import (
    GIB,
    ByteRange,
    ConnectionInfo,
    ExportRequest,
    Fence,
    SnapshotRef,
    VolumeRef,
    canonical_id,
)
from drivers.volume.base import VolumeDriver
from drivers.volume.local.allocation import Allocation, held_ranges, is_empty
from drivers.volume.local.configuration import LocalConfiguration
from drivers.volume.local.daemon import ExportDaemon
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.folding import fold
from drivers.volume.local.fronts import Remote
from drivers.volume.local.images import DamagedImage, image_bytes, needs_layers
from drivers.volume.local.layers import LayerDirectory, Order, highest_file, new_name, point_at
from drivers.volume.local.layout import Layout
from drivers.volume.local.records import LockedRecord, locked, locked_record
from drivers.volume.local.room import need_room
from drivers.volume.local.sealing import follow_together
from drivers.volume.local.servers import TlsServer
from drivers.volume.local.slots import sync_directory

log = logging.getLogger(__name__)
_FOLD_WAIT_S = 0.05


class SnapshotCalls(VolumeDriver):
    """The part of the local driver that deals with layers.

    A volume is sealed to be kept: an empty layer is noted as the highest one, and a daemon that runs is brought to
    write there from now on. As the new layer is empty, whoever opens the volume before that happened, after any
    crash, reads and writes the same volume. What is sealed is shared by links.

    Locks are taken in one order: what is made, then what it is made from.
    """

    _remote: Remote | None
    """What it takes to be reached from other hosts, if exports are."""
    _configuration: LocalConfiguration
    _layout: Layout

    def create_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """Seal the volume and link its layers. Raises as the contract says."""
        volume = snapshot.volume
        with (
            as_driver_errors(f"making {snapshot.name}", full=BackendFull),
            locked_record(self._layout, snapshot.id) as record,
        ):
            record.book.admit(fence, now=time.time())
            record.save()
            directory = LayerDirectory(self._layout.snapshot_layers(snapshot.id))
            kept = directory.order()
            if kept is not None and kept.volume_id == volume.id:
                return
            if kept is not None:
                raise PermanentDriverError(f"{snapshot.name} exists of volume {kept.volume_id}")
            with locked_record(self._layout, volume.id):
                if self._size_gib(volume) != snapshot.size_gib:
                    raise PermanentDriverError(f"{volume.name} does not have {snapshot.size_gib} GiB any more")
                source, order = self._sealed(volume)
                with directory.replaced() as made:
                    made.link(source, order)
                    made.write(Order(order.layers, volume.id, snapshot.size_gib))
        self._fold(volume, is_hurried=True)

    def delete_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """End the daemon, then remove the links. Raises as the contract says."""
        with as_driver_errors(f"deleting {snapshot.name}"), locked_record(self._layout, snapshot.id) as record:
            record.book.admit_deletion(fence, now=time.time())
            record.save()
            self._withdraw(record)
            ExportDaemon(self._layout.run_directory(snapshot.id)).stop()
            directory = LayerDirectory(self._layout.snapshot_layers(snapshot.id))
            directory.draft.remove()
            directory.remove()
        self._fold(snapshot.volume)

    def create_volume_from_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Put an empty layer on top of the snapshot's. Raises as the contract says."""
        with as_driver_errors(f"creating {ref.name}", full=BackendFull), self._claimed(ref, fence):
            if self._is_made(ref):
                return
            with locked_record(self._layout, snapshot.id):
                source, order = self._kept(snapshot)
                with self._room_for(ref, order.size_gib):
                    self._make_on(ref, source, order)

    def clone_volume(self, ref: VolumeRef, source: VolumeRef, fence: Fence) -> None:
        """Seal the source and put an empty layer on top of its own. Raises as the contract says."""
        with as_driver_errors(f"creating {ref.name}", full=BackendFull), self._claimed(ref, fence):
            if self._is_made(ref):
                return
            with locked_record(self._layout, source.id), self._room_for(ref, self._size_gib(source)):
                self._make_on(ref, *self._sealed(source))
        self._fold(source, is_hurried=True)

    def revert_to_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Put an empty layer on top of the snapshot's and forget the others. Raises as the contract says."""
        with (
            as_driver_errors(f"reverting {ref.name}"),
            self._claimed(ref, fence) as record,
            locked_record(self._layout, snapshot.id),
        ):
            size_gib = self._size_gib(ref)
            source, kept = self._kept(snapshot)
            if kept.volume_id != ref.id:
                raise PermanentDriverError(f"{snapshot.name} is of volume {kept.volume_id}")
            if record.book.wanted:
                raise NotSupported(f"{ref.name} is exported; it can be reverted only while it is not attached")
            self._daemon(ref).stop()
            directory, _former = self._opened(ref)
            directory.link(source, kept)
            order = Order((*kept.layers, directory.add(size_gib, kept)))
            directory.write(order)
            point_at(self._layout.image(ref.id), directory.file(order.layers[-1]))
            directory.drop_left_overs(order)

    def list_snapshots(self) -> Iterator[SnapshotRef]:
        """Yield the snapshots there are; one whose order is damaged is left out. Raises as the contract says."""
        found: list[SnapshotRef] = []
        with as_driver_errors(f"listing {self._layout.layers}"):
            for snapshot_id in sorted(self._layout.snapshot_ids()):
                order = None
                with suppress(DamagedImage):
                    order = LayerDirectory(self._layout.snapshot_layers(snapshot_id)).order()
                if order is not None:
                    volume = VolumeRef(order.volume_id, order.size_gib)
                    found.append(SnapshotRef(snapshot_id, volume, order.size_gib))
        yield from found

    def export_snapshot(self, snapshot: SnapshotRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Bring a daemon of the snapshot's own to serve this attachment too. Raises as the contract says."""
        if request.mode != "ro":
            raise NotSupported("A snapshot can only be exported read-only")
        with as_driver_errors(f"exporting {snapshot.name}"), locked_record(self._layout, snapshot.id) as record:
            attachment = record.book.admit_export(request.attachment_id, fence, now=time.time())
            _directory, order = self._kept(snapshot)
            attachment.mode = request.mode
            record.save()
            daemon = self._snapshot_daemon(snapshot)
            daemon.serve(record.book.wanted, needed=request.attachment_id)
            return daemon.server.connection_info(order.volume_id, request, snapshot_id=snapshot.id)

    def unexport_snapshot(self, snapshot: SnapshotRef, attachment_id: str, fence: Fence) -> None:
        """Bring the snapshot's daemon to serve the others only. Raises as the contract says."""
        canonical_id(attachment_id)
        doing = f"ending an export of {snapshot.name}"
        with as_driver_errors(doing), locked_record(self._layout, snapshot.id) as record:
            record.book.admit_export(attachment_id, fence, now=time.time()).mode = None
            record.save()
            self._withdraw(record)
            exists = LayerDirectory(self._layout.snapshot_layers(snapshot.id)).order() is not None
            self._snapshot_daemon(snapshot).serve(record.book.wanted if exists else {})

    def changed_ranges(self, snapshot: SnapshotRef, since: SnapshotRef) -> Iterator[ByteRange] | None:
        """Read which parts the layers hold that came after. Raises as the contract says."""
        with as_driver_errors(f"comparing {snapshot.name}"), locked_record(self._layout, snapshot.id):
            directory, order = self._kept(snapshot)
            earlier = LayerDirectory(self._layout.snapshot_layers(since.id)).order()
            if earlier is None or order.layers[: len(earlier.layers)] != earlier.layers:
                return None
            later = Order(order.layers[len(earlier.layers) :])
            with ExitStack() as opened:
                layers = [Allocation(path) for path in directory.files(later)]
                for layer in layers:
                    opened.callback(layer.close)
                opened.pop_all()
            return held_ranges(layers, order.size_gib * GIB)

    def _fold(self, ref: VolumeRef, *, is_hurried: bool = False) -> None:
        """Fold layers of a volume if nobody is at work on it. What fails is told in the log: it can wait."""
        try:
            with (
                as_driver_errors(f"folding {ref.name}"),
                locked_record(self._layout, ref.id, wait_s=_FOLD_WAIT_S),
            ):
                if self._layout.image(ref.id).exists():
                    fold(self._layout, ref.id, is_hurried=is_hurried)
        except DriverError as error:
            log.info("layers of %s were not folded: %s", ref.name, error.message)

    @contextmanager
    def _claimed(self, ref: VolumeRef, fence: Fence) -> Iterator[LockedRecord]:
        """Hold the volume's lock for the block, with `fence` durably recorded. :raises StaleFence: if it is late."""
        with locked_record(self._layout, ref.id) as record:
            record.book.admit(fence, now=time.time())
            record.save()
            yield record

    @contextmanager
    def _room_for(self, ref: VolumeRef, least_gib: int) -> Iterator[None]:
        """Hold the room of a volume to be made for the block.

        :raises BackendFull: if there is none.
        :raises PermanentDriverError: if the volume would be smaller than what it is made from.
        """
        if ref.size_gib < least_gib:
            raise PermanentDriverError(f"{ref.name} cannot be smaller than the {least_gib} GiB it is made from")
        with locked(self._layout.capacity_lock):
            need_room(self._configuration, self._layout, ref.size_gib)
            yield

    def _make_on(self, ref: VolumeRef, source: LayerDirectory, order: Order) -> None:
        """Make a volume of shared layers with an empty one on top. :raises DriverError, OSError: if it fails."""
        directory = LayerDirectory(self._layout.volume_layers(ref.id))
        with directory.replaced() as made:
            made.link(source, order)
            highest = made.add(ref.size_gib, order)
            made.write(Order((*order.layers, highest)))
        try:
            point_at(self._layout.image(ref.id), directory.file(highest))
        except BaseException:
            directory.remove()
            raise

    def _sealed(self, ref: VolumeRef) -> tuple[LayerDirectory, Order]:
        """Have the volume written in a new layer from now on, and return the layers up to now.

        The caller holds its lock. :raises VolumeMissing, DriverError, OSError: if it cannot be done; harmless then.
        """
        return self._sealed_together([ref])[0]

    def _sealed_together(self, refs: Sequence[VolumeRef]) -> list[tuple[LayerDirectory, Order]]:
        """Do the same with several volumes, at one moment."""
        added = [self._with_new_layer(ref) for ref in refs]
        follow_together(
            [self._daemon(ref) for ref, (_directory, _below, highest) in zip(refs, added, strict=True) if highest]
        )
        for ref, (directory, _below, highest) in zip(refs, added, strict=True):
            if highest:
                point_at(self._layout.image(ref.id), directory.file(highest))
        return [(directory, below) for directory, below, _highest in added]

    def _with_new_layer(self, ref: VolumeRef) -> tuple[LayerDirectory, Order, str]:
        """Note an empty layer as the highest one; return the layers below it, and its name, "" if none was needed."""
        directory, order = self._opened(ref)
        size_gib, below = self._size_gib(ref), Order(order.layers[:-1])
        if below.layers and not self._daemon(ref).is_running():
            is_as_large = image_bytes(directory.file(below.layers[-1])) == size_gib * GIB
            if is_as_large and is_empty(directory.file(order.layers[-1])):
                return directory, below, ""
        highest = directory.add(size_gib, order)
        directory.write(Order((*order.layers, highest)))
        return directory, order, highest

    def _drop_volume(self, ref: VolumeRef) -> None:
        """Remove the volume's files; the caller holds its lock and has ended its daemon. :raises OSError: likewise."""
        self._layout.image(ref.id).unlink(missing_ok=True)
        sync_directory(self._layout.volumes)
        layers = LayerDirectory(self._layout.volume_layers(ref.id))
        layers.draft.remove()
        layers.remove()

    def _opened(self, ref: VolumeRef) -> tuple[LayerDirectory, Order]:
        """Return a volume's layers; one that is a single file so far gets it linked as the only one.

        :raises VolumeMissing: if there is no volume.
        :raises DamagedImage: if its layers are lost.
        """
        self._size_gib(ref)
        directory = LayerDirectory(self._layout.volume_layers(ref.id))
        order = directory.order()
        if order is None:
            file = self._layout.image(ref.id)
            if needs_layers(file):
                raise DamagedImage(f"{ref.name} is made of layers, but {directory.path} does not tell which")
            order = Order((new_name(),))
            with directory.replaced() as made:
                made.file(order.layers[0]).hardlink_to(file)
                made.write(order)
        return directory, order

    def _kept(self, snapshot: SnapshotRef) -> tuple[LayerDirectory, Order]:
        """Return a snapshot's layers. :raises SnapshotMissing: if there is none."""
        directory = LayerDirectory(self._layout.snapshot_layers(snapshot.id))
        order = directory.order()
        if order is None:
            self._layout.layers.stat()  # not mounted is not the same as not there
            raise SnapshotMissing(f"{snapshot.name} does not exist on back-end {self.key!r}")
        return directory, order

    def _is_made(self, ref: VolumeRef) -> bool:
        """Tell whether the volume exists. :raises PermanentDriverError: if it does with another size."""
        try:
            size_gib = self._size_gib(ref)
        except VolumeMissing:
            return False
        if size_gib != ref.size_gib:
            raise PermanentDriverError(f"{ref.name} exists with {size_gib} GiB, not {ref.size_gib}")
        return True

    def _size_gib(self, ref: VolumeRef) -> int:
        """Return the size of an existing volume. :raises VolumeMissing: if there is none."""
        path = self._layout.image(ref.id)
        if not path.exists():
            path.parent.stat()  # not mounted is not the same as not there
            raise VolumeMissing(f"{ref.name} does not exist on back-end {self.key!r}")
        return -(-image_bytes(highest_file(self._layout, ref.id)) // GIB)

    def _daemon(self, ref: VolumeRef) -> ExportDaemon:
        directory = LayerDirectory(self._layout.volume_layers(ref.id))
        order = directory.order()
        return self._daemon_of(ref.id, directory.files(order) if order else ())

    def _snapshot_daemon(self, snapshot: SnapshotRef) -> ExportDaemon:
        directory = LayerDirectory(self._layout.snapshot_layers(snapshot.id))
        order = directory.order()
        return self._daemon_of(snapshot.id, directory.files(order) if order else (), is_read_only=True)

    def _daemon_of(self, thing_id: str, layers: Sequence[Path], *, is_read_only: bool = False) -> ExportDaemon:
        directory = self._layout.run_directory(thing_id)
        server = TlsServer(directory, self._remote) if self._remote is not None else None
        return ExportDaemon(directory, layers, server=server, is_read_only=is_read_only)

    def _withdraw(self, record: LockedRecord) -> None:
        """Forget credentials and ports of attachments that lost their access. :raises OSError: if that fails."""
        if self._remote is not None:
            gone = [name for name in record.book.exports if name not in record.book.wanted]
            self._remote.authority.withdraw(gone)
            self._remote.ports.release(gone)
