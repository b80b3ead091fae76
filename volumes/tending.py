"""Looking after exports: one whose daemon has died is made again from its attachment's row."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from drivers.errors import DriverError, StaleFence
from drivers.types import Fence
from drivers.volume.base import VolumeDriver
from volumes.models import Attachment
from volumes.workflows.connect import flat, request_of

logger = logging.getLogger(__name__)


def tend(key: str, driver: VolumeDriver) -> int:
    """Make every export of back-end `key` exist that its attachments were promised; return how many were missing.

    Each is asked for with the fence of the operation that made it, so an attachment that is being removed at
    this moment stays removed: the storage knows the later fence. What is lent is left alone: work that loses its
    connection has it lent anew.
    """
    promised: dict[object, list[Attachment]] = defaultdict(list)
    rows = Attachment.objects.of_clients().filter(volume__backend=key, export_claim__gt=0).exclude(connection_info={})
    for attachment in rows.select_related("volume"):
        promised[attachment.volume_id].append(attachment)
    return sum(_tend_volume(driver, attachments) for attachments in promised.values())


def _tend_volume(driver: VolumeDriver, attachments: list[Attachment]) -> int:
    ref = attachments[0].volume.ref()
    try:
        present = driver.exports(ref)
        return sum(_make_again(driver, attachment) for attachment in attachments if str(attachment.pk) not in present)
    except DriverError as error:
        logger.warning("export not looked after", extra={"volume_id": ref.id, "reason": str(error)})
        return 0


def _make_again(driver: VolumeDriver, attachment: Attachment) -> bool:
    fence = Fence(operation=attachment.export_operation, claim=attachment.export_claim)
    try:
        info = driver.export(attachment.volume.ref(), request_of(attachment, attachment.attach_mode), fence)
    except StaleFence:
        logger.debug("attachment is being removed", extra={"attachment_id": attachment.pk})
        return False
    logger.info("export made again", extra={"attachment_id": attachment.pk})
    _keep(attachment, flat(info, attachment, attachment.attach_mode))
    return True


def _keep(attachment: Attachment, connection_info: Mapping[str, Any]) -> None:
    """Tell whoever asks for the connection next where the export is now, if it is still the same one."""
    if connection_info != attachment.connection_info:
        same = {"export_operation": attachment.export_operation, "export_claim": attachment.export_claim}
        Attachment.objects.filter(pk=attachment.pk, **same).update(connection_info=connection_info)
