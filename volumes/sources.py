"""What a volume can be made from, and what it inherits from it (contract 02 section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volumes.errors import InvalidInput, InvalidSource
from volumes.models import Snapshot, Volume, VolumeType


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a source gives to the volume made from it; `pinned` is where it has to be made."""

    volume_type: VolumeType | None
    availability_zone: str
    pinned: Mapping[str, str]
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A snapshot, or another volume."""

    snapshot: Snapshot | None = None
    volume: Volume | None = None

    @property
    def size_gib(self) -> int:
        """Return the size of a volume for which none is asked."""
        return (self.snapshot or self.volume).size_gib  # type: ignore[union-attr]

    def admit(self, size_gib: int) -> Inheritance:
        """Make sure that a volume of this size can be made from it, in the transaction that does so.

        :raises InvalidInput: if it would be smaller. :raises InvalidSource: if the source is not ready.
        """
        if size_gib < self.size_gib:
            kind = "snapshot" if self.snapshot else "volume"
            raise InvalidInput(
                f"Volume size '{size_gib}' GB cannot be smaller than the {kind} size {self.size_gib} GB."
            )
        if self.snapshot is not None:
            return _of_snapshot(self.snapshot)
        return _of_volume(self.volume)  # type: ignore[arg-type]


def is_source_of_unmade(source: Snapshot | Volume) -> bool:
    """Tell whether a volume that is still to be made needs `source`, which must not go before."""
    named = {"snapshot_id": source.pk} if isinstance(source, Snapshot) else {"source_volume_id": source.pk}
    return Volume.objects.filter(status="creating", **named).exists()


def _of_snapshot(snapshot: Snapshot) -> Inheritance:
    volume = Volume.locked(snapshot.volume_id)
    found = Snapshot.objects.filter(pk=snapshot.pk).first()
    if volume is None or found is None or found.status != "available":
        raise InvalidSource(f"Snapshot {snapshot.pk} must be available to make a volume from it.")
    return _inheritance(volume, snapshot_id=snapshot.pk)


def _of_volume(source: Volume) -> Inheritance:
    volume = Volume.locked(source.pk)
    if volume is None or volume.status not in {"available", "in-use"} or not volume.backend:
        raise InvalidSource(f"Volume {source.pk} must be available or in-use to be cloned.")
    return _inheritance(volume, source_volume_id=source.pk)


def _inheritance(volume: Volume, **origin: object) -> Inheritance:
    fields = {"is_bootable": volume.is_bootable, "image_metadata": volume.image_metadata, **origin}
    pinned = {"backend": volume.backend, "pool": volume.pool}
    return Inheritance(volume.volume_type, volume.availability_zone, pinned, fields)
