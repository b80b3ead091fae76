"""Finding what a request names by id or by name, as far as its caller may see it."""

from collections.abc import Mapping
from typing import Any

from storage_site.api.fields import UUID_FORM
from storage_site.caller import Caller
from storage_site.errors import InvalidRequest, NotFound
from volumes.errors import InvalidInput, VolumeNotFound, VolumeTypeNotFound
from volumes.models import Volume, VolumeType

# Members of a create request that name what the volume is to be filled from, and the texts for unknown ones.
_SOURCES = {
    "snapshot_id": "Snapshot {} could not be found.",
    "backup_id": "Backup {} could not be found.",
    "group_id": "Group {} could not be found.",
    "consistencygroup_id": "ConsistencyGroup {} could not be found.",
}


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
    visible = VolumeType.objects.visible_to(caller)
    found = visible.filter(pk=name_or_id.lower()).first() if UUID_FORM.fullmatch(name_or_id) else None
    found = found or visible.filter(name=name_or_id).first()
    if found is None:
        raise VolumeTypeNotFound(name_or_id)
    return found


def size_of_blank(caller: Caller, values: Mapping[str, Any]) -> int:
    """Return the size of the blank volume that a create request asks for.

    :raises NotFound: if it names a source that does not exist. :raises InvalidRequest: if it names one that
        volumes cannot be made from, several attachments without a type that allows them, or no size.
    """
    for member, text in _SOURCES.items():
        if values.get(member) is not None:
            raise NotFound(text.format(values[member]))
    if values.get("source_volid"):
        volume_of(caller, values["source_volid"])
        raise InvalidInput("volumes cannot be made from other volumes")
    if values.get("imageRef"):
        raise InvalidInput("Invalid image identifier or unable to access requested image.")
    if values.get("multiattach"):
        raise InvalidInput("multiattach volumes are made by a volume type with extra spec multiattach='<is> True'")
    if values.get("size") is None:
        raise InvalidRequest
    return int(values["size"])
