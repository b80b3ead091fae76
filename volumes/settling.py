"""Letting a volume show what its attachments have come to; services and workflows both do it."""

from django.utils import timezone

from storage_site.caller import SYSTEM, Caller
from storage_site.operations.admission import begin, cancel_unfinished, move
from storage_site.operations.resources import Resource
from volumes.lifecycle import SETTLED, status_of_attachments
from volumes.models import Attachment, Snapshot, Volume


def settle(volume_id: object, *, caller: Caller = SYSTEM) -> str:
    """Give the volume the status of its attachments, unless it is busy with something of its own; return it.

    To be called in the transaction that changed an attachment. The volume's row is locked first, so that of
    two changes at once the later one sees the earlier.
    """
    volume = Volume.objects.select_for_update().get(pk=volume_id)
    if volume.status not in SETTLED:
        return volume.status
    statuses = Attachment.objects.filter(volume=volume, is_listed=True).values_list("status", flat=True)
    shown = status_of_attachments(statuses)
    if shown == "available" and volume.attached_mode:
        Volume.objects.filter(pk=volume.pk).update(attached_mode="", updated_at=timezone.now())
    if shown != volume.status:
        move(volume, "settle", caller=caller, to=shown)
    return shown


def settle_for(attachment: Attachment) -> None:
    """Settle the volume of an attachment that work has changed; one that is not listed does not show."""
    if attachment.is_listed:
        settle(attachment.volume_id)


def keep_in_use(attachment: Attachment) -> None:
    """Show a volume whose host could not be shut out as in use, which it may well be (contract 02 section 9)."""
    volume = Volume.objects.select_for_update().get(pk=attachment.volume_id)
    if attachment.is_listed and volume.status == "detaching":
        move(volume, "settle", caller=SYSTEM, to="in-use")


def end_backup(volume_id: object) -> None:
    """Let a volume that was read for a backup show what it did before; attachments may have changed meanwhile."""
    volume = Volume.objects.select_for_update().filter(pk=volume_id, status="backing-up").first()
    if volume is not None:
        statuses = Attachment.objects.filter(volume=volume, is_listed=True).values_list("status", flat=True)
        move(volume, "end_backup", caller=SYSTEM, to=status_of_attachments(statuses))


def release_snapshots(volume: Volume) -> None:
    """Let the snapshot that the volume was being reverted to be used again."""
    for snapshot in Snapshot.objects.filter(volume=volume, status="restoring"):
        move(snapshot, "end_restoring", caller=SYSTEM)


def stop_growing(volume: Volume) -> None:
    """After a volume could not be made larger: what it was to grow to counts no more."""
    Volume.objects.filter(pk=volume.pk).update(growing_to_gib=None)


def end_lendings(borrower: Resource, *, of: Volume | None = None) -> None:
    """After the work on `borrower` has ended: have what was lent for it taken back, all of it or that of one volume."""
    lent = Attachment.objects.filter(lent_to=borrower.pk, **({"volume": of} if of else {}))
    for attachment in lent.exclude(status="detaching"):
        cancel_unfinished(attachment, "The work that it was lent for has ended.")
        begin(attachment, "disconnect", caller=SYSTEM)
