"""What may be asked about an attachment (contract 03, part 2)."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from storage_site.caller import Caller
from storage_site.idempotency.keys import accept
from storage_site.operations.admission import begin, cancel_unfinished, lock, move, poke, unfinished
from storage_site.operations.models import Operation
from storage_site.operations.waiting import seat, wait_for
from volumes import moving
from volumes.errors import AttachmentConflict, AttachmentFailed, InvalidInput, InvalidVolume
from volumes.models import Attachment, Volume
from volumes.services.permission import require_end
from volumes.settling import settle

LONGEST_NAME = 255  # of a host or a mount point


def create_attachment(
    *,
    caller: Caller,
    volume: Volume,
    instance_id: UUID | None = None,
    connector: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Attachment:
    """Reserve the volume; with a `connector`, also have its back-end let that host in, and wait for it.

    :raises InvalidVolume: if the volume's status does not admit it. :raises AttachmentFailed: if the back-end
        could not; the attachment stays, for the client to delete.
    """
    with seat() if connector else nullcontext():
        with transaction.atomic():
            attachment_id = uuid4()
            accept(attachment_id)
            attachment = _reserve(caller, volume, attachment_id, instance_id, mode)
            operation = begin_connecting(attachment, connector, caller) if connector else None
        if operation is not None:
            failure = f"Unable to create attachment for volume ({volume.pk})."
            await_connection(attachment, operation, failure)
    return attachment


def connect_attachment(*, attachment: Attachment, connector: Mapping[str, Any], caller: Caller) -> Attachment:
    """Have the volume's back-end let the connector's host in, and wait for it.

    The attachment comes back as it was before, except for `connection_info`.

    :raises AttachmentConflict: if the volume is in error or another attachment holds the connection.
    :raises AttachmentFailed: if the back-end could not.
    """
    with seat():
        with transaction.atomic():
            locked = lock(attachment)
            _require_connectable(locked)
            operation = begin_connecting(locked, connector, caller)
        await_connection(attachment, operation, "Unable to update the attachment.")
    return attachment


@transaction.atomic
def complete_attachment(*, attachment: Attachment, caller: Caller) -> None:
    """Record that the host uses the volume now."""
    move(lock(attachment), "complete", caller=caller)
    settle(attachment.volume_id, caller=caller)


def delete_attachment(*, attachment: Attachment, caller: Caller) -> list[Attachment]:
    """Have the host shut out and remove the attachment; return the volume's remaining ones.

    :raises AttachmentConflict: if a server uses it, and its compute service has not asked for this.
    :raises AttachmentFailed: if the back-end could not.
    """
    require_end(caller, attachment.volume_id, attachment.pk)
    volume_id = attachment.volume_id
    with seat() if attachment.is_exported else nullcontext():
        operation = begin_disconnecting(attachment=attachment, caller=caller)
        if operation is not None:
            await_end(operation, f"Unable to detach volume ({volume_id}).")
    return list(Attachment.objects.filter(volume_id=volume_id, is_listed=True))


@transaction.atomic
def begin_disconnecting(*, attachment: Attachment, caller: Caller) -> Operation | None:
    """Accept the removal of the attachment; return the work there is to wait for, None if there was none.

    A removal that is going on is joined. Other work for the attachment is cut short: the storage refuses its
    older fence.
    """
    attachment = lock(attachment)
    going_on = unfinished(attachment)
    if going_on is not None and going_on.verb == "disconnect":
        poke(going_on)
        return going_on
    cancel_unfinished(attachment, "The attachment is being deleted.")
    operation = None
    if attachment.is_exported:
        arguments = {"volume_id": str(attachment.volume_id)}
        operation = begin(attachment, "disconnect", caller=caller, arguments=arguments)
    else:
        move(attachment, "forget", caller=caller)
    settle(attachment.volume_id, caller=caller)
    return operation


def begin_connecting(
    attachment: Attachment, connector: Mapping[str, Any], caller: Caller, *, verb: str = "connect"
) -> Operation:
    """Accept a connection in the caller's transaction, remembering from now on that there may be an export.

    For a client that asks again because the answer was slow, it is the connection that is being made.

    :raises InvalidInput: if the connector's host or mountpoint is too long. :raises AttachmentConflict: if other
        work is going on for the attachment.
    """
    going_on = unfinished(attachment)
    if going_on is not None and going_on.task == attachment.lifecycle[verb].task and attachment.connector == connector:
        poke(going_on)
        return going_on
    fields = {
        "connector": dict(connector),
        "host_name": _text_of(connector, "host") or None,
        "mountpoint": _text_of(connector, "mountpoint") or "na",
    }
    refusal = AttachmentConflict(f"Attachment {attachment.pk} is busy or in status {attachment.status}.")
    arguments = {"volume_id": str(attachment.volume_id)}
    operation = begin(attachment, verb, caller=caller, arguments=arguments, fields=fields, refusal=refusal)
    if not attachment.is_exported:
        attachment.export_operation, attachment.export_claim = operation.serial, 0
        attachment.save(update_fields=["export_operation", "export_claim"])
    return operation


def await_connection(attachment: Attachment, operation: Operation, failure: str) -> None:
    """Wait for the connection and put what the host needs into the attachment. :raises AttachmentFailed: if none."""
    await_end(operation, failure)
    found = Attachment.objects.filter(pk=attachment.pk).values_list("connection_info", flat=True).first()
    if found is None:
        raise AttachmentFailed(failure)
    attachment.connection_info = found


def await_end(operation: Operation, failure: str) -> None:
    """Wait until the operation has ended. :raises AttachmentFailed: with text `failure`, if not well."""
    ended = wait_for(operation.id, settings.CONNECT_WAIT_S)
    if ended.outcome != Operation.SUCCEEDED:
        raise AttachmentFailed(failure)


def _text_of(connector: Mapping[str, Any], name: str) -> str:
    text = str(connector.get(name) or "")
    if len(text) > LONGEST_NAME:
        raise InvalidInput(f"{name} of the connector is longer than {LONGEST_NAME} characters.")
    return text


def _reserve(
    caller: Caller, volume: Volume, attachment_id: UUID, instance_id: UUID | None, mode: str | None
) -> Attachment:
    """Add a reserved attachment to a volume that admits one more."""
    volume = lock(volume)
    moving.require_at_rest(volume)
    shares = volume.status not in {"available", "downloading"} and _may_share(volume, instance_id)
    also = "in-use or " if volume.is_multiattach else ""
    refusal = InvalidVolume(
        f"Volume {volume.pk} status must be available or {also}downloading to reserve, but the current status is "
        f"{volume.status}."
    )
    move(volume, "share" if shares else "reserve", caller=caller, refusal=refusal)
    attachment = Attachment(
        id=attachment_id, project_id=volume.project_id, volume=volume, instance_id=instance_id, attach_mode=mode or ""
    )
    move(attachment, "reserve", caller=caller)
    return attachment


def _may_share(volume: Volume, instance_id: UUID | None) -> bool:
    """Tell whether a volume that has attachments takes one more: multi-attach, or the same server migrating."""
    if volume.is_multiattach and volume.status == "in-use":
        return True
    listed = Attachment.objects.filter(volume=volume, is_listed=True)
    return instance_id is not None and listed.filter(instance_id=instance_id).exists()


def _require_connectable(attachment: Attachment) -> None:
    volume = Volume.objects.get(pk=attachment.volume_id)
    if "error" in volume.status:
        raise AttachmentConflict(
            "Resource conflict: Volume attachments can not be updated if the volume is in an error state. "
            f"The volume {volume.pk} currently is in status {volume.status}."
        )
    siblings = Attachment.objects.filter(volume=volume, is_listed=True)
    if not volume.is_multiattach and siblings.count() > 1 and siblings.exclude(connection_info={}).exists():
        raise AttachmentConflict(f"Resource conflict: duplicate connectors detected on volume {volume.pk}.")
