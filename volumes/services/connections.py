"""The older way of attaching: connection actions on the volume itself (contract 02 section 7)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move, unfinished
from storage_site.operations.models import Operation
from storage_site.operations.waiting import seat
from volumes import moving
from volumes.errors import AttachmentConflict, InvalidVolume
from volumes.models import Attachment, Volume
from volumes.services import attachments as services
from volumes.services.permission import require_end
from volumes.services.volumes import unreserve


def initialize_connection(*, volume: Volume, connector: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Let the connector's host in and return what it needs, in the nested form of the older action.

    The connection is kept as an attachment that is not listed until os-attach claims it.

    :raises InvalidVolume: in maintenance or while it is deleted. :raises AttachmentFailed: if the back-end could not.
    """
    with seat():
        with transaction.atomic():
            volume = lock(volume)
            _require_usable(volume)
            attachment = _connection_of(volume, str(connector.get("host") or ""))
            if attachment is None:
                attachment = Attachment(project_id=volume.project_id, volume=volume, is_listed=False)
                move(attachment, "reserve", caller=caller)
            verb = "reconnect" if attachment.status == "attached" else "connect"
            operation = services.begin_connecting(attachment, connector, caller, verb=verb)
        services.await_connection(attachment, operation, f"Unable to connect volume ({volume.pk}).")
    return _nested(attachment.connection_info)


@transaction.atomic
def attach_volume(
    *,
    volume: Volume,
    caller: Caller,
    mountpoint: str,
    instance_id: UUID | None = None,
    host_name: str | None = None,
    mode: str = "rw",
) -> None:
    """Record that a server or a host uses the volume (os-attach).

    :raises InvalidVolume: if somebody else does and the volume cannot be shared, or the mode is refused.
    """
    locked = lock(volume)
    _require_usable(locked)
    _require_mode(locked, mode)
    listed = Attachment.objects.filter(volume=locked, is_listed=True)
    mine = {"instance_id": instance_id} if instance_id else {"host_name": host_name}
    if listed.filter(status="attached", **mine).exists():
        return
    if listed.filter(status="attached").exists() and not locked.is_multiattach:
        raise InvalidVolume("volume is already attached and multiple attachments are not enabled")
    attachment = _connection_of(locked, host_name, listed=False) or Attachment(
        project_id=locked.project_id, volume=locked
    )
    fields = {
        "is_listed": True,
        "mountpoint": mountpoint,
        "attach_mode": mode,
        "instance_id": instance_id,
        "host_name": host_name or attachment.host_name,
        "attached_at": timezone.now(),
    }
    move(attachment, "attach", caller=caller, fields=fields)
    readonly = False if locked.is_readonly is None else locked.is_readonly
    Volume.objects.filter(pk=locked.pk).update(attached_mode=mode, is_readonly=readonly)
    move(locked, "settle", caller=caller, to="in-use")


def detach_volume(*, volume: Volume, caller: Caller, attachment_id: UUID | None = None) -> None:
    """Record that a server or a host uses the volume no more, and have it shut out (os-detach).

    :raises AttachmentConflict: if there is no such attachment. :raises InvalidVolume: in maintenance, or if
        there are several attachments and none is named.
    """
    _refuse_maintenance(volume)
    require_end(caller, volume.pk, attachment_id)
    _detach(volume=volume, caller=caller, attachment_id=attachment_id)


@transaction.atomic
def _detach(*, volume: Volume, caller: Caller, attachment_id: UUID | None) -> None:
    volume = lock(volume)
    _refuse_maintenance(volume)
    listed = list(Attachment.objects.filter(volume=volume, is_listed=True))
    if attachment_id is not None:
        listed = [attachment for attachment in listed if attachment.pk == attachment_id]
        if not listed:
            raise AttachmentConflict("ConflictNovaUsingAttachment: Detach volume from instance  using the Compute API")
    if len(listed) > 1:
        raise InvalidVolume("Volume has several attachments; name the one to detach by attachment_id.")
    if listed:
        services.begin_disconnecting(attachment=listed[0], caller=caller)
    elif unfinished(volume) is None:
        move(volume, "settle", caller=caller, to="available")


def terminate_connection(*, volume: Volume, connector: Mapping[str, Any] | None, caller: Caller) -> None:
    """Shut the connector's host out (every host, if there is none), then act as os-unreserve.

    :raises AttachmentConflict: if a server uses it, and its compute service has not asked for this.
    :raises AttachmentFailed: if the back-end could not.
    """
    require_end(caller, volume.pk)
    host = str(connector.get("host") or "") if connector else ""
    exported = Attachment.objects.of_clients().filter(volume=volume, export_operation__isnull=False)
    with seat():
        for attachment in exported.filter(host_name=host) if host else exported:
            operation = _begin_shutting_out(attachment, caller)
            if operation is not None:
                services.await_end(operation, f"Unable to terminate the connection of volume ({volume.pk}).")
    unreserve(volume=volume, caller=caller)


def force_detach(*, volume: Volume, caller: Caller, attachment_id: UUID | None = None) -> None:
    """Shut out and forget whatever the status is (os-force_detach). :raises AttachmentConflict: as detach."""
    detach_volume(volume=volume, caller=caller, attachment_id=attachment_id)


@transaction.atomic
def _begin_shutting_out(attachment: Attachment, caller: Caller) -> Operation | None:
    """Return the work that shuts the host out, which may be going on already; None if the attachment has gone."""
    locked = Attachment.locked(attachment.pk)
    if locked is None:
        return None
    going_on = unfinished(locked)
    if going_on is not None and going_on.verb in {"unexport", "disconnect"}:
        return going_on
    cancel_unfinished(locked, "The connection is being terminated.")
    return begin(locked, "unexport" if locked.is_listed else "disconnect", caller=caller)


def _connection_of(volume: Volume, host_name: str | None, *, listed: bool | None = None) -> Attachment | None:
    """Return the connection that the older action made for this host; for no host, the newest one."""
    found = Attachment.objects.of_clients().filter(volume=volume, export_operation__isnull=False)
    found = found.order_by("-created_at").exclude(status__in=["detaching", "error_detaching"])  # on its way out
    if listed is not None:
        found = found.filter(is_listed=listed)
    return found.filter(host_name=host_name).first() if host_name else found.filter(is_listed=False).first()


def _require_mode(volume: Volume, mode: str) -> None:
    if volume.status == "attaching" and volume.attached_mode and volume.attached_mode != mode:
        raise InvalidVolume(f"being attached by different mode: {volume.attached_mode}")
    if mode == "rw" and volume.is_readonly:
        raise InvalidVolume(f"Invalid attaching mode 'rw' for volume {volume.pk}.")


def _refuse_maintenance(volume: Volume) -> None:
    if volume.status == "maintenance":
        raise InvalidVolume("Unable to use the volume while it is in maintenance mode.")


def _require_usable(volume: Volume) -> None:
    _refuse_maintenance(volume)
    moving.require_at_rest(volume)
    if volume.status == "deleting":
        raise InvalidVolume("Unable to use the volume while it is being deleted.")


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    kind = flat.get("driver_volume_type")
    enforce = bool(flat.get("enforce_multipath", False))
    data = {key: value for key, value in flat.items() if key not in {"driver_volume_type", "attachment_id"}}
    return {"driver_volume_type": kind, "data": data, "enforce_multipath": enforce}
