"""Letting a host in to a volume."""

from functools import partial
from typing import Any

from django.utils import timezone

from drivers.types import ConnectionInfo, Connector, ExportRequest
from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Attachment, Volume
from volumes.settling import settle_for


def run(op: Claimed, attachment: Attachment) -> None:
    """Export the volume for this attachment and keep what the host needs to reach it."""
    volume = attachment.volume
    driver = backends.driver(volume.backend)
    mode = _mode_of(attachment)
    request = request_of(attachment, mode)
    # What a host may be using already is not taken from it because it could not be given once more.
    withdraw = None if attachment.connection_info else partial(driver.unexport, volume.ref(), str(attachment.pk))
    info = op.step("exported", driver.export, volume.ref(), request, undo=withdraw)
    op.finish(
        connection_info=flat(info, attachment, mode),
        export_operation=op.fence.operation,
        export_claim=op.fence.claim,
        attach_mode=mode,
        attached_at=timezone.now(),
        also=None if op.operation.verb == "reconnect" else partial(settle_for, attachment),
    )


def request_of(attachment: Attachment, mode: str) -> ExportRequest:
    """Return the attachment's wish as drivers know it."""
    connector = Connector.from_mapping(attachment.connector)
    return ExportRequest(attachment_id=str(attachment.pk), connector=connector, mode="ro" if mode == "ro" else "rw")


def flat(info: ConnectionInfo, attachment: Attachment, mode: str) -> dict[str, Any]:
    """Return the connection in the flat form of the attachment calls (contract 03 section 9)."""
    return {
        **info.data,
        "driver_volume_type": info.driver_volume_type,
        "access_mode": mode,
        "qos_specs": _limits_of(attachment.volume),
        "encrypted": False,
        "cacheable": False,
        "enforce_multipath": bool(attachment.connector.get("enforce_multipath", False)),
        "volume_id": str(attachment.volume_id),
        "attachment_id": str(attachment.pk),
    }


def _limits_of(volume: Volume) -> dict[str, str] | None:
    """Return the limits of throughput that the host is to keep, None for none."""
    specs = volume.volume_type.qos_specs if volume.volume_type else None
    return specs.for_host(volume.size_gib) if specs else None


def _mode_of(attachment: Attachment) -> str:
    """Return the mode given at creation, else the connector's, else read-write; a read-only volume is never more."""
    if attachment.volume.is_readonly:
        return "ro"
    return attachment.attach_mode or ("ro" if attachment.connector.get("mode") == "ro" else "rw")
