"""The contract between the service and a back-end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, Self

from drivers.errors import NotSupported
from drivers.types import (
    BackendStats,
    ByteRange,
    Capabilities,
    ConnectionInfo,
    ExportRequest,
    Fence,
    SnapshotRef,
    Stored,
    VolumeRef,
)


class VolumeDriver(ABC):
    """One configured back-end, as seen by a volume worker.

    What holds for every call:

    * Sizes are whole GiB. Names on the storage derive from ids, so a call finds what an earlier one has made.
    * Calls are idempotent. After a crash at any moment the same call, from a later claim, goes on to the end.
    * Calls that change something carry the caller's `Fence`. The storage remembers the highest one for each volume
      (create, delete, extend, revert), each snapshot (create, delete) and each attachment (export, unexport), also
      after the thing itself is gone. An older one is refused with `StaleFence` and changes nothing; comparing and
      acting happen under one lock. What a thing is made from needs no claim: it is looked at, not changed.
    * Calls are safe from several threads and from several processes that serve the same back-end.
    * Nothing waits without bound: `BackendBusy` when somebody else keeps a volume too long, `BackendDown` when the
      storage does not answer. Both mean "the same call later"; a call that raised has left nothing half made that
      its repetition, or the deletion of what it was to make, would not clear up.
    * Ids that are not UUIDs raise `InvalidName` before anything is touched.
    * The content of a volume is never interpreted.
    """

    key: str
    """The back-end's name in the settings."""
    capabilities: Capabilities

    @classmethod
    @abstractmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Make a driver from one entry of the back-end settings; this touches neither storage nor network.

        :raises InvalidConfiguration: naming the back-end and the entry that is missing, unknown or wrong.
        """

    @abstractmethod
    def check(self) -> None:
        """Verify, at the start of a worker, that this host can serve the back-end, and clear up after crashes.

        :raises InvalidConfiguration: saying what an operator has to do.
        :raises TransientDriverError: if the storage cannot be reached now.
        """

    @abstractmethod
    def create_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """Make the volume exist with `ref.size_gib`, all zeros; if it does already, change nothing.

        :raises BackendFull: if there is no room; nothing remains.
        :raises PermanentDriverError: if it exists with another size.
        :raises StaleFence: if a later claim has acted on this volume.
        """

    @abstractmethod
    def delete_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """End the volume's exports and destroy it; a volume that does not exist is a success.

        :raises StaleFence: if a later claim has acted on this volume.
        """

    @abstractmethod
    def extend_volume(self, ref: VolumeRef, new_size_gib: int, fence: Fence) -> None:
        """Make the volume `new_size_gib` large, the new part zeros; if it is already, change nothing.

        :raises VolumeMissing: if there is none.
        :raises BackendFull: if there is no room.
        :raises NotSupported: if it would shrink, or is exported and the driver does not declare `online_extend`.
        :raises StaleFence: if a later claim has acted on this volume.
        """

    @abstractmethod
    def export(self, ref: VolumeRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Let one attachment reach the volume, and tell how.

        Repeating the call answers the same. If the server behind the exports has died it is started again with all
        exports it had, as far as the back-end knows of them; the service repeats the call for each it knows of.

        :raises VolumeMissing: if there is none.
        :raises NotSupported: if the back-end cannot serve this connector or mode.
        :raises StaleFence: if a later claim has acted on this attachment, for instance ended it.
        """

    @abstractmethod
    def unexport(self, ref: VolumeRef, attachment_id: str, fence: Fence) -> None:
        """End one attachment's access, live connections included; others keep theirs. Not exported is a success.

        :raises StaleFence: if a later claim has acted on this attachment.
        """

    @abstractmethod
    def exports(self, ref: VolumeRef) -> frozenset[str]:
        """Return the ids of the attachments that can reach the volume right now, by asking the storage."""

    @abstractmethod
    def stats(self) -> BackendStats:
        """Return how full the back-end is. :raises TransientDriverError: if that cannot be found out now."""

    @abstractmethod
    def list_volumes(self) -> Iterator[VolumeRef]:
        """Yield every volume that exists on the storage, with its real size."""

    @abstractmethod
    def stop_exports(self) -> None:
        """End every export of this back-end on this host, its data flushed, for the shutdown of the fleet.

        The exports can be made again by `export` with the fences they had.

        :raises TransientDriverError: if one could not be ended; the others were.
        """

    # --- what a driver that declares `snapshots` does as well; volumes and snapshots can be deleted in any order

    def create_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """Keep the volume's content of one moment during this call, exported or not; if it is kept, change nothing.

        :raises VolumeMissing: if there is no such volume.
        :raises BackendFull: if there is no room; nothing remains.
        :raises PermanentDriverError: if the snapshot exists of another volume, or the volume has another size.
        :raises StaleFence: if a later claim has acted on this snapshot.
        """
        self._lack_snapshots(snapshot, fence)

    def delete_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """End the snapshot's exports and destroy it; one that does not exist is a success.

        Its volume, other snapshots, and volumes that were made from it are not affected.

        :raises StaleFence: if a later claim has acted on this snapshot.
        """
        self._lack_snapshots(snapshot, fence)

    def create_volume_from_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Make the volume exist with the snapshot's content, the rest zeros; if it does already, change nothing.

        :raises SnapshotMissing: if there is no such snapshot.
        :raises BackendFull: if there is no room; nothing remains.
        :raises PermanentDriverError: if it is smaller than the snapshot, or exists with another size.
        :raises StaleFence: if a later claim has acted on this volume.
        """
        self._lack_snapshots(ref, snapshot, fence)

    def clone_volume(self, ref: VolumeRef, source: VolumeRef, fence: Fence) -> None:
        """Make the volume exist with the content that `source` has at one moment during this call, the rest zeros.

        If it exists already, change nothing. The source may be exported.

        :raises VolumeMissing: if there is no such source.
        :raises BackendFull: if there is no room; nothing remains.
        :raises PermanentDriverError: if it is smaller than the source, or exists with another size.
        :raises StaleFence: if a later claim has acted on this volume.
        """
        self._lack_snapshots(ref, source, fence)

    def revert_to_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        """Give the volume the content of one of its snapshots again; its size stays, the rest is zeros.

        :raises VolumeMissing, SnapshotMissing: if there is none.
        :raises NotSupported: if the volume is exported.
        :raises PermanentDriverError: if the snapshot is of another volume.
        :raises StaleFence: if a later claim has acted on this volume.
        """
        self._lack_snapshots(ref, snapshot, fence)

    def list_snapshots(self) -> Iterator[SnapshotRef]:
        """Yield every snapshot that exists on the storage; its volume has the size it had then."""
        self._lack_snapshots()

    def export_snapshot(self, snapshot: SnapshotRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        """Let one connector of the service itself read the snapshot, and tell how, as `export` does.

        The volume may be exported and written meanwhile.

        :raises SnapshotMissing: if there is none.
        :raises NotSupported: if `request` is not read-only, or the back-end cannot serve this connector.
        :raises StaleFence: if a later claim has acted on this attachment, for instance ended it.
        """
        self._lack_snapshots(snapshot, request, fence)

    def unexport_snapshot(self, snapshot: SnapshotRef, attachment_id: str, fence: Fence) -> None:
        """End one attachment's access to the snapshot, as `unexport` does. Not exported is a success.

        :raises StaleFence: if a later claim has acted on this attachment.
        """
        self._lack_snapshots(snapshot, attachment_id, fence)

    def changed_ranges(self, snapshot: SnapshotRef, since: SnapshotRef) -> Iterator[ByteRange] | None:
        """Return where `snapshot` may differ from `since`, in order and without overlaps; None if not certain.

        What is not told is equal in both, and zeros beyond the end of a smaller `since`. Never certain by guessing:
        a snapshot that is gone, or whose way to the other one is not known, is None.

        :raises SnapshotMissing: if `snapshot` does not exist.
        """
        self._lack_snapshots(snapshot, since)

    # --- what a driver that declares `group_snapshots` does as well

    def create_snapshots(self, snapshots: Sequence[SnapshotRef], fence: Fence) -> None:
        """Keep the content that several volumes, each named once, have at one moment during this call.

        They may be exported: a write that was begun after another one, to whichever of the volumes, had been
        acknowledged is kept only if the other one is. If all snapshots exist, change nothing; those of a call that
        did not come to its end are taken anew.

        :raises VolumeMissing, BackendFull, PermanentDriverError, StaleFence: as `create_snapshot`, for any of them.
            What was made by then is for the caller to delete.
        """
        self._lack_group_snapshots(snapshots, fence)

    def clone_volumes(self, copies: Sequence[tuple[VolumeRef, VolumeRef]], fence: Fence) -> None:
        """Make each first volume exist with the content of the second, of all seconds at one moment, as above.

        If all exist, change nothing; those of a call that did not come to its end are made anew.

        :raises VolumeMissing, BackendFull, PermanentDriverError, StaleFence: as `clone_volume`, for any of them.
            What was made by then is for the caller to delete.
        """
        self._lack_group_snapshots(copies, fence)

    def _lack_group_snapshots(self, *_given: object) -> NoReturn:
        """Answer for a driver that has not declared `group_snapshots`. :raises NotSupported: always."""
        raise NotSupported(f"Back-end {self.key!r} cannot keep several volumes at one moment")

    # --- what a driver that declares `manage` does as well; for snapshots it has to declare those, too

    def stored_volumes(self) -> Iterator[Stored]:
        """Yield everything on the storage that is a volume, or could become one, whoever made it."""
        self._lack_managing()

    def manage_volume(self, ref: VolumeRef, name: str, fence: Fence) -> VolumeRef:
        """Take over what the storage calls `name`, which may be any text; return it as it is stored from now on.

        That is under the id which its name is made of, or else under that of `ref`, whose size does not matter; a size
        that is not whole is rounded up, the rest zeros. Its content stays.

        :raises NotStored: if there is no such thing, or it cannot be taken over; nothing has changed then.
        :raises StaleFence: if a later claim has acted on this volume.
        """
        self._lack_managing(ref, name, fence)

    def unmanage_volume(self, ref: VolumeRef, fence: Fence) -> None:
        """End the volume's exports, and leave it where it is; one that does not exist is a success.

        :raises StaleFence: if a later claim has acted on this volume.
        """
        self._lack_managing(ref, fence)

    def stored_snapshots(self) -> Iterator[Stored]:
        """Yield every snapshot on the storage."""
        self._lack_managing()

    def manage_snapshot(self, volume: VolumeRef, name: str, fence: Fence) -> SnapshotRef:
        """Take over the snapshot of this volume that the storage calls `name`. Raises as `manage_volume` does."""
        self._lack_managing(volume, name, fence)

    def unmanage_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        """End the snapshot's exports, and leave it where it is, as `unmanage_volume` does."""
        self._lack_managing(snapshot, fence)

    def _lack_managing(self, *_given: object) -> NoReturn:
        """Answer for a driver that has not declared `manage`. :raises NotSupported: always."""
        raise NotSupported(f"Back-end {self.key!r} cannot take over what is on its storage")

    def _lack_snapshots(self, *_given: object) -> NoReturn:
        """Answer for a driver that has not declared `snapshots`. :raises NotSupported: always."""
        raise NotSupported(f"Back-end {self.key!r} has no snapshots")
