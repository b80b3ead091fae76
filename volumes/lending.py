"""Lending a volume or a snapshot to the service's own workers, on whatever host: exports for one claim each.

A claim that takes work over first takes back what its predecessor had been lent, so that one which went on after
standing still writes into nothing.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from drivers.types import AccessMode, ConnectionInfo, Connector, ExportRequest
from drivers.volume.base import VolumeDriver
from storage_site.operations.admission import move
from storage_site.operations.claims import Claimed
from storage_site.operations.resources import Resource
from volumes.models import Attachment, Snapshot, Volume

CONNECTOR = {"host": "celinder"}


def lend_volume(
    op: Claimed, driver: VolumeDriver, volume: Volume, borrower: Resource, *, mode: AccessMode = "rw"
) -> Attachment:
    """Export the volume, to be written, for the work on `borrower`; the attachment tells how to reach it."""
    attachment = Attachment(volume=volume, attach_mode=mode, **_common(op, volume, borrower))
    op.note(also=partial(move, attachment, "reserve", caller=op.caller()))
    return _lent(op, attachment, op.step("lent", driver.export, volume.ref(), _request(attachment)))


def lend_snapshot(op: Claimed, driver: VolumeDriver, snapshot: Snapshot, borrower: Resource) -> Attachment:
    """Export the snapshot, to be read, for the work on `borrower`; the attachment tells how to reach it."""
    volume = snapshot.volume
    attachment = Attachment(volume=volume, snapshot=snapshot, attach_mode="ro", **_common(op, volume, borrower))
    op.note(also=partial(move, attachment, "reserve", caller=op.caller()))
    return _lent(op, attachment, op.step("lent", driver.export_snapshot, snapshot.ref(), _request(attachment)))


def take_back(op: Claimed, driver: VolumeDriver, borrower: Resource, *, of: Volume | None = None) -> None:
    """End everything that was lent for the work on `borrower`, or that of one volume, live connections included."""
    lent = Attachment.objects.filter(lent_to=borrower.pk, **({"volume": of} if of else {}))
    for attachment in lent.select_related("volume", "snapshot__volume"):
        if attachment.snapshot is not None:
            op.step("taken back", driver.unexport_snapshot, attachment.snapshot.ref(), str(attachment.pk))
        else:
            op.step("taken back", driver.unexport, attachment.volume.ref(), str(attachment.pk))
        op.note(also=partial(move, attachment, "forget", caller=op.caller()))


def _common(op: Claimed, volume: Volume, borrower: Resource) -> Mapping[str, Any]:
    """Return what is known of a lending before it is made: from now on there may be an export."""
    return {
        "project_id": volume.project_id,
        "is_listed": False,
        "lent_to": borrower.pk,
        "connector": CONNECTOR,
        "export_operation": op.fence.operation,
        "export_claim": op.fence.claim,
    }


def _request(attachment: Attachment) -> ExportRequest:
    mode = "ro" if attachment.attach_mode == "ro" else "rw"
    return ExportRequest(attachment_id=str(attachment.pk), connector=Connector.from_mapping(CONNECTOR), mode=mode)


def _lent(op: Claimed, attachment: Attachment, info: ConnectionInfo) -> Attachment:
    """Keep how to reach it where the borrower's worker finds it."""
    attachment.connection_info = {**info.data, "driver_volume_type": info.driver_volume_type}
    op.note(also=partial(attachment.save, update_fields=["connection_info"]))
    return attachment
