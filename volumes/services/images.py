"""What may be asked about volumes and images: that a volume be kept as one, or be given what one holds."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from drivers.errors import DriverError
from drivers.images.inspection import FORMATS
from storage_site.caller import Caller
from storage_site.errors import Conflict, Forbidden
from storage_site.operations.admission import begin, lock
from volumes import images, moving
from volumes.errors import InvalidInput, InvalidVolume
from volumes.models import Attachment, Volume


@dataclass(frozen=True, slots=True)
class Upload:
    """A volume that is being kept as an image, and what that is."""

    volume: Volume
    image_id: str
    image_name: str
    disk_format: str
    container_format: str
    visibility: str
    protected: bool


def upload_image(
    *,
    volume: Volume,
    caller: Caller,
    image_name: str,
    disk_format: str,
    container_format: str,
    force: bool = False,
    visibility: str = "private",
    protected: bool = False,
) -> Upload:
    """Accept that the volume be kept as an image, whose record is made at once, in the caller's name.

    :raises InvalidInput: if volumes are not kept as such, or the image service does not take it.
    :raises InvalidVolume: if the volume's status does not admit it. :raises Forbidden: if it is to be public.
    """
    if visibility == "public" and not caller.is_admin:
        raise Forbidden("Policy doesn't allow volume_extension:volume_actions:upload_public to be performed.")
    if disk_format not in FORMATS or container_format != "bare":
        raise InvalidInput(f"Volumes are kept as {' or '.join(FORMATS)} images in a bare container.")
    _require_uploadable(volume, is_forced=force)
    service = images.service_for(caller)
    if service is None:
        raise InvalidInput("There is no image service.")
    image_id = str(uuid.uuid4())
    members: dict[str, Any] = {
        "id": image_id,
        "name": image_name,
        "disk_format": disk_format,
        "container_format": container_format,
        "visibility": visibility,
        "min_disk": volume.size_gib,
    }
    try:
        made = service.create(members)
    except DriverError as error:
        raise InvalidInput(str(error)) from error
    arguments: dict[str, Any] = images.arguments_of(made, caller) | {"disk_format": disk_format}
    if protected:  # in the end: until then it may have to be removed
        arguments["protected"] = True
    try:
        with transaction.atomic():
            volume = lock(volume)
            moving.require_at_rest(volume)
            _require_uploadable(volume, is_forced=force)
            begin(volume, "upload", caller=caller, arguments=arguments, refusal=_not_uploadable(volume))
    except BaseException:
        _forget(service, image_id)
        raise
    return Upload(volume, image_id, image_name, disk_format, container_format, visibility, protected)


def reimage_volume(*, volume: Volume, image_id: str, may_be_reserved: bool, caller: Caller) -> None:
    """Accept that the volume is to hold what an image does; what it held is lost.

    :raises InvalidInput: if it cannot be made from that image. :raises InvalidVolume: if its status does not admit it.
    :raises Conflict: if it has several attachments.
    """
    image = images.image_of(caller, image_id)
    images.require_fitting(image, volume.size_gib)
    with transaction.atomic():
        volume = lock(volume)
        moving.require_at_rest(volume)
        admitted = {"available", "error"} | ({"reserved"} if may_be_reserved else set())
        refusal = InvalidVolume(
            f"Volume status must be {' or '.join(sorted(admitted))} to be given an image, but current status is: "
            f"{volume.status}."
        )
        if volume.status not in admitted or not volume.backend:
            raise refusal
        if Attachment.objects.filter(volume=volume, is_listed=True).count() > 1:
            raise Conflict(f"Volume {volume.pk} has more than one attachment.")
        begin(volume, "reimage", caller=caller, arguments=images.arguments_of(image, caller), refusal=refusal)


def _require_uploadable(volume: Volume, *, is_forced: bool) -> None:
    in_use = volume.status == "in-use" and is_forced and settings.IMAGE_FORCED_UPLOAD
    if volume.status != "available" and not in_use:
        raise _not_uploadable(volume)


def _not_uploadable(volume: Volume) -> InvalidVolume:
    return InvalidVolume(
        f"Volume {volume.pk} status must be available to be kept as an image, but current status is: {volume.status}."
    )


def _forget(service: Any, image_id: str) -> None:
    """Remove the record that was made for nothing, as far as the service answers."""
    try:
        service.delete(image_id)
    except DriverError:
        return
