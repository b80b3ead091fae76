"""The image service as requests and workers reach it, and which images volumes can be made from (contract 02)."""

import math
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from drivers.images.errors import ImageServiceDown
from drivers.images.glance import IMAGE_ID, Image, Service
from drivers.images.inspection import FORMATS
from drivers.types import GIB
from storage_site.caller import Caller
from storage_site.errors import Conflict, Unavailable
from storage_site.identity import tokens
from storage_site.identity.models import User
from storage_site.operations.errors import PermanentFailure
from volumes.errors import InvalidInput

REQUEST_S = 5
UNKNOWN = "Invalid image identifier or unable to access requested image."


def service_for(caller: Caller) -> Service | None:
    """Return the image service, asked in the caller's own name; None if there is none or the caller has no token."""
    if not settings.IMAGE_ENDPOINT or not caller.token:
        return None
    wait_s = min(REQUEST_S, settings.IMAGE_TIMEOUT_S)
    return Service(settings.IMAGE_ENDPOINT, lambda: caller.token, wait_s, settings.IMAGE_CA_FILE)


def service_for_work(*, user_id: str, project_id: str) -> Service:
    """Return the image service for work that outlives the token of who asked for it.

    Our own identity service gives a token of the same user and project for each call; with a Keystone it is the user
    that this service has there. What may be done was settled in the name of who asked.

    :raises PermanentFailure: if no image service is known here.
    """
    if not settings.IMAGE_ENDPOINT:
        raise PermanentFailure("image-refused", "The worker knows no image service.")

    def token() -> str:
        return _keystone_token() if settings.IDENTITY == "keystone" else _own_token(user_id, project_id)

    return Service(settings.IMAGE_ENDPOINT, token, settings.IMAGE_TIMEOUT_S, settings.IMAGE_CA_FILE)


def image_of(caller: Caller, reference: str) -> Image:
    """Return an image by id, by the address that ends in it, or by name; not to be called inside a transaction.

    :raises InvalidInput: if there is none that the caller may see, or the service does not answer.
    :raises Conflict: if several have the name.
    """
    service = service_for(caller)
    if service is None:
        raise InvalidInput(UNKNOWN)
    last = reference.rstrip("/").rpartition("/")[2].lower()
    try:
        found = [service.show(last)] if IMAGE_ID.fullmatch(last) else service.named(reference)
    except ImageServiceDown as error:
        raise InvalidInput(UNKNOWN) from error
    if len(found) > 1:
        raise Conflict(f"Multiple matches found for '{reference}', use an ID to be more specific.")
    if not found or found[0] is None:
        raise InvalidInput(UNKNOWN)
    return found[0]


def require_fitting(image: Image, size_gib: int) -> None:
    """Make sure that a volume of this size can be made from the image. :raises InvalidInput: if it cannot."""
    if image.status != "active":
        raise InvalidInput(f"Image {image.id} is not active.")
    if image.disk_format not in FORMATS or image.container_format != "bare":
        raise InvalidInput(
            f"Image {image.id} is {image.disk_format or 'of no format'} in {image.container_format or 'no'} container; "
            "volumes are made from raw and qcow2 images in a bare one."
        )
    found_gib = math.ceil(max(image.size or 0, image.virtual_size or 0) / GIB)
    if image.disk_format == "qcow2":  # its file may be larger than what a machine sees, by its tables
        found_gib = math.ceil((image.virtual_size or 0) / GIB)
    if found_gib > size_gib:
        raise InvalidInput(f"Size of specified image {found_gib}GB is larger than volume size {size_gib}GB.")
    if image.min_disk_gib > size_gib:
        raise InvalidInput(
            f"Volume size {size_gib}GB cannot be smaller than the image minDisk size {image.min_disk_gib}GB."
        )


def arguments_of(image: Image, caller: Caller) -> dict[str, Any]:
    """Return what an operation keeps of an image and of who may see it."""
    return {"image_id": image.id, "as_project": caller.project_id}


def metadata_of(image: Image) -> dict[str, str]:
    """Return what a volume made from the image shows as its image metadata."""
    return {
        **{name: value for name, value in image.properties.items() if not name.startswith("os_glance")},
        "image_id": image.id,
        "image_name": image.name,
        "checksum": image.checksum,
        "container_format": image.container_format,
        "disk_format": image.disk_format,
        "min_disk": str(image.min_disk_gib),
        "min_ram": str(image.min_ram_mib),
        "size": str(image.size or 0),
    }


def _own_token(user_id: str, project_id: str) -> str:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise PermanentFailure("image-refused", "Whoever asked for this is not known any more.")
    return tokens.signed(tokens.new_token(user=user, project_id=project_id, methods=("password",)))


def _keystone_token() -> str:
    """Return a token of our own user in the Keystone. :raises ImageServiceDown: if none can be had now."""
    token = import_string("storage_site.identity.service_user.token")  # its packages are for that mode only
    try:
        return str(token())
    except Unavailable as error:
        raise ImageServiceDown("No token for the image service can be had from the Keystone.") from error
