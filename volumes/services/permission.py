"""Whether an attachment may end without the compute service's having asked for it (contract 03 section 8).

A device that stays on a server after its volume was taken away may come to mean somebody else's volume there.
"""

from uuid import UUID

from storage_site.caller import Caller
from storage_site.operations.waiting import seat
from volumes import compute
from volumes.errors import AttachmentConflict
from volumes.models import Attachment


def require_end(caller: Caller, volume_id: UUID, attachment_id: UUID | None = None) -> None:
    """Make sure that an attachment of the volume, the only one where none is named, may end. Not in a transaction.

    :raises AttachmentConflict: if a server uses it and the caller is not the compute service; if there is no such
        attachment, or there are several. :raises Unavailable: if the compute service does not answer.
    """
    if caller.is_service or not compute.endpoint_for(caller):
        return
    attachments = list(Attachment.objects.filter(volume_id=volume_id, is_listed=True))
    if attachment_id is not None:
        attachments = [one for one in attachments if one.pk == attachment_id]
    elif not attachments:
        return
    if len(attachments) != 1:
        raise _conflict(None)
    [attachment] = attachments
    if attachment.instance_id is None or not attachment.connection_info:
        return
    if not caller.token:
        raise _conflict(attachment.instance_id)  # by the console's session: nobody can be asked in this name
    with seat():
        is_used = compute.is_used(
            caller, server_id=attachment.instance_id, volume_id=volume_id, attachment_id=attachment.pk
        )
    if is_used:
        raise _conflict(attachment.instance_id)


def _conflict(server_id: UUID | None) -> AttachmentConflict:
    return AttachmentConflict(
        f"ConflictNovaUsingAttachment: Detach volume from instance {server_id or ''} using the Compute API"
    )
