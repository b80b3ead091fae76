"""Taking over what is on the storage of a local back-end, and giving it up with its data kept."""

import time
from collections.abc import Iterator

from drivers.errors import NotStored
from drivers.types import GIB, Fence, SnapshotRef, Stored, VolumeRef, id_in
from drivers.volume.local.daemon import ExportDaemon
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.images import UnfitImage, foreign_bytes, image_bytes, resize_image
from drivers.volume.local.layers import LayerDirectory
from drivers.volume.local.records import locked_record
from drivers.volume.local.slots import sync_directory
from drivers.volume.local.snapshots import SnapshotCalls


class ManageCalls(SnapshotCalls):
    """The part of the local driver that deals with volumes which others know, or have made.

    What was a volume stays where it is, under the id of its name. An image that an operator has put into the directory
    for that is renamed to be a volume. A name is only ever compared with those that are there: no path is made of it.
    """

    def stored_volumes(self) -> Iterator[Stored]:
        """Yield the volumes, and the files that operators have put there. Raises as the contract says."""
        for ref in self.list_volumes():
            obstacle = "" if ref.size_gib else "its file is damaged"
            yield Stored(ref.name, ref.size_gib, stored_as=ref.id, obstacle=obstacle)
        with as_driver_errors(f"listing {self._layout.manageable}"):
            yield from [self._foreign(name) for name in self._foreign_names()]

    def manage_volume(self, ref: VolumeRef, name: str, fence: Fence) -> VolumeRef:
        """Find the volume, or make one of a file. Raises as the contract says."""
        known = id_in(name)
        if known and name == f"volume-{known}":
            with as_driver_errors(f"taking over {name}"), locked_record(self._layout, known) as record:
                if not self._layout.image(known).exists():
                    raise NotStored(f"There is no volume {known} on back-end {self.key!r}")
                record.book.admit(fence, now=time.time())
                record.save()
                return VolumeRef(known, self._size_gib(VolumeRef(known, 0)))
        with as_driver_errors(f"taking over {ref.name}"), self._claimed(ref, fence):
            if not self._layout.image(ref.id).exists():
                self._rename(name, ref)
            return self._rounded_up(ref)

    def unmanage_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """End the daemon. Raises as the contract says."""
        self._end_exports(ref.id, ref.name, fence)

    def stored_snapshots(self) -> Iterator[Stored]:
        """Yield the snapshots. Raises as the contract says."""
        for ref in self.list_snapshots():
            yield Stored(ref.name, ref.size_gib, stored_as=ref.id, of=ref.volume.id)

    def manage_snapshot(self, volume: VolumeRef, name: str, fence: Fence) -> SnapshotRef:
        """Find the snapshot. Raises as the contract says."""
        known = id_in(name)
        if not known or name != f"snapshot-{known}":
            raise NotStored(f"There is no snapshot of that name on back-end {self.key!r}")
        with as_driver_errors(f"taking over {name}"), locked_record(self._layout, known) as record:
            order = LayerDirectory(self._layout.snapshot_layers(known)).order()
            if order is None or order.volume_id != volume.id:
                raise NotStored(f"{volume.name} has no snapshot {known} on back-end {self.key!r}")
            record.book.admit(fence, now=time.time())
            record.save()
            return SnapshotRef(known, volume, order.size_gib)

    def unmanage_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """End the daemon. Raises as the contract says."""
        self._end_exports(snapshot.id, snapshot.name, fence)

    def _end_exports(self, thing_id: str, name: str, fence: Fence) -> None:
        with as_driver_errors(f"giving up {name}"), locked_record(self._layout, thing_id) as record:
            record.book.admit_deletion(fence, now=time.time())
            record.save()
            self._withdraw(record)
            ExportDaemon(self._layout.run_directory(thing_id)).stop()

    def _foreign_names(self) -> list[str]:
        """Return what is in the operators' directory, as far as it can be told in text. :raises OSError: if not."""
        try:
            names = [path.name for path in self._layout.manageable.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if name.isprintable() and not name.startswith("."))

    def _foreign(self, name: str) -> Stored:
        """Return what a file of the operators' directory is."""
        path = self._layout.manageable / name
        try:
            size = foreign_bytes(path)
        except UnfitImage as error:
            return Stored(name, 0, obstacle=str(error))
        except OSError as error:
            return Stored(name, 0, obstacle=str(error.strerror))
        return Stored(name, -(-size // GIB))

    def _rename(self, name: str, ref: VolumeRef) -> None:
        """Make a file of the operators' directory the volume. :raises NotStored: if it cannot be one."""
        if name not in self._foreign_names():
            raise NotStored(f"There is nothing of that name on back-end {self.key!r}")
        found = self._foreign(name)
        if found.obstacle:
            raise NotStored(f"{name} cannot become a volume: {found.obstacle}")
        LayerDirectory(self._layout.volume_layers(ref.id)).remove()
        path = self._layout.manageable / name
        path.chmod(0o600)
        path.rename(self._layout.image(ref.id))
        sync_directory(self._layout.volumes)
        sync_directory(self._layout.manageable)

    def _rounded_up(self, ref: VolumeRef) -> VolumeRef:
        """Have a volume that was just taken over end at a whole GiB. Raises as `resize_image`."""
        image = self._layout.image(ref.id)
        size = image_bytes(image)
        if size % GIB:
            resize_image(image, -(-size // GIB))
        return VolumeRef(ref.id, -(-size // GIB))
