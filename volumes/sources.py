"""What a volume can be made from, and what it inherits from it (contract 02 section 2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.images.glance import Image
from storage_site.caller import Caller
from volumes import images
from volumes.errors import InvalidInput, InvalidSource
from volumes.models import Snapshot, Volume, VolumeType


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a source gives to the volume made from it.

    `arguments` go to the operation that makes it: `pinned` is where that has to be, `then` the verb that follows
    when it is made.
    """

    volume_type: VolumeType | None = None
    availability_zone: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


class Source(ABC):
    """Something that a volume can be made from."""

    kind: str
    """What it is called when it is too large."""
    size_gib: int
    """The size of a volume for which none is asked."""
    gives_size = True
    """Whether none need be asked."""

    def admit(self, size_gib: int) -> Inheritance:
        """Make sure that a volume of this size can be made from it, in the transaction that does so.

        :raises InvalidInput: if it would be smaller. :raises InvalidSource: if the source is not ready.
        """
        if size_gib < self.size_gib:
            raise InvalidInput(
                f"Volume size '{size_gib}' GB cannot be smaller than the {self.kind} size {self.size_gib} GB."
            )
        return self._inheritance()

    def promise(self, volume: Volume, caller: Caller) -> None:  # noqa: B027 - most need not
        """Keep the source for the volume, whose making has been accepted in this transaction."""

    @abstractmethod
    def _inheritance(self) -> Inheritance:
        """Return what it gives. :raises InvalidSource: if it is not ready."""


class SnapshotSource(Source):
    """A snapshot."""

    kind = "snapshot"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self.size_gib = snapshot, snapshot.size_gib

    def _inheritance(self) -> Inheritance:
        volume = Volume.locked(self._snapshot.volume_id)
        found = Snapshot.objects.filter(pk=self._snapshot.pk).first()
        if volume is None or found is None or found.status != "available":
            raise InvalidSource(f"Snapshot {self._snapshot.pk} must be available to make a volume from it.")
        return _of_volume(volume, snapshot_id=found.pk)


class VolumeSource(Source):
    """Another volume."""

    kind = "volume"

    def __init__(self, volume: Volume) -> None:
        self._volume, self.size_gib = volume, volume.size_gib

    def _inheritance(self) -> Inheritance:
        volume = Volume.locked(self._volume.pk)
        if volume is None or volume.status not in {"available", "in-use"} or not volume.backend:
            raise InvalidSource(f"Volume {self._volume.pk} must be available or in-use to be cloned.")
        if volume.is_moving:
            raise InvalidSource(f"Volume {volume.pk} is being migrated; clone it afterwards.")
        return _of_volume(volume, source_volume_id=volume.pk)


class ImageSource(Source):
    """An image, as its service described it to the caller: the volume is made blank, and then given what it holds."""

    kind = "image"
    gives_size = False

    def __init__(self, image: Image, caller: Caller, volume_type: VolumeType | None = None) -> None:
        self._image, self._caller, self._type = image, caller, volume_type
        self.size_gib = max(1, image.min_disk_gib)

    def admit(self, size_gib: int) -> Inheritance:
        """Make sure that the image fits. :raises InvalidInput: if it does not, or no volumes are made from such."""
        images.require_fitting(self._image, size_gib)
        return self._inheritance()

    def _inheritance(self) -> Inheritance:
        arguments = images.arguments_of(self._image, self._caller)
        following = {"verb": "download", "arguments": {**arguments, "is_fresh": True}}
        return Inheritance(self._type, arguments={"then": following})


Finder = Callable[[Caller, str], Source]
_finders: dict[str, Finder] = {}


def register(member: str, finder: Finder) -> None:
    """Have `member` of a create request name a source that `finder` finds; for apps above this one."""
    _finders[member] = finder


def registered() -> Mapping[str, Finder]:
    """Return the finders of sources that other apps add, by the member of a create request that names one."""
    return _finders


def is_source_of_unmade(source: Snapshot | Volume) -> bool:
    """Tell whether a volume that is still to be made needs `source`, which must not go before."""
    named = {"snapshot_id": source.pk} if isinstance(source, Snapshot) else {"source_volume_id": source.pk}
    return Volume.objects.filter(status="creating", **named).exists()


def _of_volume(volume: Volume, **origin: object) -> Inheritance:
    """Return what a volume gives; what is made from it lives beside it."""
    fields = {"is_bootable": volume.is_bootable, "image_metadata": volume.image_metadata, **origin}
    arguments = {"pinned": {"backend": volume.backend, "pool": volume.pool}}
    return Inheritance(volume.volume_type, volume.availability_zone, arguments, fields)
