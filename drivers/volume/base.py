"""The contract between the service and a back-end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Self

from drivers.types import (
    BackendStats,
    Capabilities,
    ConnectionInfo,
    ExportRequest,
    Fence,
    VolumeRef,
)


class VolumeDriver(ABC):
    """One configured back-end, as seen by a volume worker.

    What holds for every call:

    * Sizes are whole GiB. Names on the storage derive from ids, so a call finds what an earlier one has made.
    * Calls are idempotent. After a crash at any moment the same call, from a later claim, goes on to the end.
    * Calls that change something carry the caller's `Fence`. The storage remembers the highest one for each volume
      (create, delete, extend) and each attachment (export, unexport), also after the thing itself is gone. An older
      one is refused with `StaleFence` and changes nothing; comparing and acting happen under one lock.
    * Calls are safe from several threads and from several processes that serve the same back-end.
    * Nothing waits without bound: `BackendBusy` when somebody else keeps a volume too long, `BackendDown` when the
      storage does not answer. Both mean "the same call later"; a call that raised has left nothing half made that
      its repetition, or `delete_volume`, would not clear up.
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
