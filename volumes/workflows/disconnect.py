"""Shutting a host out of a volume."""

from functools import partial

from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Attachment
from volumes.settling import settle_for


def run(op: Claimed, attachment: Attachment) -> None:
    """End the attachment's export and remove the attachment."""
    _shut_out(op, attachment)
    op.finish(also=partial(settle_for, attachment))


def unexport(op: Claimed, attachment: Attachment) -> None:
    """End the attachment's export but keep the record that the volume is attached (os-terminate_connection)."""
    _shut_out(op, attachment)
    op.finish(connection_info={}, export_operation=None, export_claim=None)


def _shut_out(op: Claimed, attachment: Attachment) -> None:
    volume, snapshot = attachment.volume, attachment.snapshot
    driver = backends.driver(volume.backend)
    if snapshot is not None:
        op.step("unexported", driver.unexport_snapshot, snapshot.ref(), str(attachment.pk))
    else:
        op.step("unexported", driver.unexport, volume.ref(), str(attachment.pk))
