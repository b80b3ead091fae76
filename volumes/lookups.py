"""Finding what a request names by id or by name, as far as its caller may see it."""

from collections.abc import Mapping
from typing import Any

from storage_site.api.fields import UUID_FORM
from storage_site.caller import Caller
from storage_site.errors import InvalidRequest
from volumes import images
from volumes.errors import InvalidInput, SnapshotNotFound, VolumeNotFound, VolumeTypeNotFound
from volumes.models import Snapshot, Volume, VolumeType
from volumes.sources import ImageSource, SnapshotSource, Source, VolumeSource, registered


def volume_of(caller: Caller, volume_id: str) -> Volume:
    """Return a volume. :raises VolumeNotFound: if there is none that the caller may see."""
    found = Volume.objects.visible_to(caller).select_related("volume_type").filter(pk=volume_id).first()
    if found is None:
        raise VolumeNotFound(volume_id)
    return found


def type_of(caller: Caller, name_or_id: str | None) -> VolumeType | None:
    """Return a type by id, else by name; None where none is named.

    :raises VolumeTypeNotFound: if there is none that the caller may use.
    """
    if not name_or_id:
        return None
    visible = VolumeType.objects.visible_to(caller).select_related("encryption")
    found = visible.filter(pk=name_or_id.lower()).first() if UUID_FORM.fullmatch(name_or_id) else None
    found = found or visible.filter(name=name_or_id).first()
    if found is None:
        raise VolumeTypeNotFound(name_or_id)
    return found


def required_type_of(caller: Caller, name_or_id: str) -> VolumeType:
    """Return a type by id, else by name. :raises VolumeTypeNotFound: if there is none that the caller may use."""
    found = type_of(caller, name_or_id)
    if found is None:
        raise VolumeTypeNotFound(name_or_id)
    return found


def snapshot_of(caller: Caller, snapshot_id: str) -> Snapshot:
    """Return a snapshot. :raises SnapshotNotFound: if there is none that the caller may see."""
    found = Snapshot.objects.visible_to(caller).filter(pk=snapshot_id).first()
    if found is None:
        raise SnapshotNotFound(snapshot_id)
    return found


def source_of(caller: Caller, values: Mapping[str, Any]) -> Source | None:
    """Return what the volume that a create request asks for is to be made from; None for a blank one.

    :raises NotFound: if that does not exist. :raises InvalidInput: if it is several things, or one that volumes
        cannot be made from, or several attachments are asked for without a type that allows them.
    """
    finders = {
        "snapshot_id": _snapshot_source,
        "source_volid": _volume_source,
        "imageRef": _image_source,
        **registered(),
    }
    found = [find(caller, values[member]) for member, find in finders.items() if values.get(member)]
    if len(found) > 1:
        raise InvalidInput("May specify only one of backup, imageRef, snapshot, source volume")
    if values.get("multiattach"):
        raise InvalidInput("multiattach volumes are made by a volume type with extra spec multiattach='<is> True'")
    return found[0] if found else None


def size_of(values: Mapping[str, Any], source: Source | None) -> int:
    """Return the size that a create request asks for, else the source's. :raises InvalidRequest: if there is none."""
    if values.get("size") is not None:
        return int(values["size"])
    if source is None or not source.gives_size:
        raise InvalidRequest
    return source.size_gib


def _snapshot_source(caller: Caller, snapshot_id: str) -> Source:
    return SnapshotSource(snapshot_of(caller, snapshot_id))


def _volume_source(caller: Caller, volume_id: str) -> Source:
    return VolumeSource(volume_of(caller, volume_id))


def _image_source(caller: Caller, reference: str) -> Source:
    image = images.image_of(caller, reference)
    wanted = image.properties.get("cinder_img_volume_type")
    return ImageSource(image, caller, type_of(caller, wanted))
