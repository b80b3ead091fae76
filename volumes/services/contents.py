"""What may be asked about what a volume holds: that it grows, or goes back to what it was."""

from django.db import transaction
from django.db.models import Q

from storage_site.caller import Caller
from storage_site.errors import Conflict
from storage_site.operations.admission import begin, lock, move
from volumes import moving, quotas
from volumes.errors import InvalidInput, InvalidVolume
from volumes.models import Attachment, Snapshot, Volume
from volumes.services.volumes import require_size_of_type


@transaction.atomic
def extend_volume(*, volume: Volume, size_gib: int, caller: Caller, is_online: bool = False) -> None:
    """Accept that the volume is to grow to `size_gib` GiB; `is_online` also admits one that is in use.

    :raises InvalidInput: if that is no growth, or more than its type allows. :raises InvalidVolume: if its status
        does not admit it, or a host that uses it would not notice. :raises OverLimit: if a quota does not allow it.
    """
    volume = lock(volume)
    moving.require_at_rest(volume)
    refusal = InvalidVolume(
        f"Volume {volume.pk} status must be available to extend, but current status is: {volume.status}."
    )
    if volume.status == "in-use" and not (is_online and _follows_growth(volume)):
        raise refusal
    if size_gib <= volume.size_gib:
        raise InvalidInput(
            "New size for extend must be greater than current size. "
            f"(current: {volume.size_gib}, extended: {size_gib})."
        )
    if volume.volume_type:
        require_size_of_type(size_gib, volume.volume_type)
    quotas.admit_growth(
        project_id=volume.project_id,
        added_gib=size_gib - volume.size_gib,
        size_gib=size_gib,
        volume_type=volume.volume_type,
    )
    arguments, fields = {"size_gib": size_gib}, {"growing_to_gib": size_gib}
    begin(volume, "extend", caller=caller, arguments=arguments, fields=fields, refusal=refusal)


def complete_extension(*, volume: Volume) -> None:
    """Refuse to complete a growth that waits for the host of the volume: no back-end needs that.

    :raises InvalidVolume: always.
    """
    raise InvalidVolume(f"Volume {volume.pk} has no extension that waits for its completion.")


@transaction.atomic
def revert_volume(*, volume: Volume, snapshot_id: object, caller: Caller) -> None:
    """Accept that the volume is to hold again what its newest snapshot kept.

    :raises InvalidVolume: if that is no snapshot of it, not the newest one, or smaller. :raises Conflict: if one of
        both is not available.
    """
    volume = lock(volume)
    moving.require_at_rest(volume)
    newest = Snapshot.objects.filter(volume=volume, is_listed=True).order_by("-created_at", "-id").first()
    if newest is None:
        raise InvalidVolume(f"Volume {volume.pk} doesn't have any snapshots.")
    if str(newest.pk) != str(snapshot_id).lower():
        raise InvalidVolume(f"Specified snapshot {snapshot_id} is None or not the latest one of volume {volume.pk}.")
    if newest.size_gib != volume.size_gib:
        raise InvalidInput(f"Can't revert volume {volume.pk} to its latest snapshot: its size has changed.")
    text = f"Can't revert volume {volume.pk} to its latest snapshot {newest.pk}."
    volume_refusal = Conflict(f"Invalid volume: {text} Volume's status must be 'available'.")
    move(
        newest,
        "begin_restoring",
        caller=caller,
        refusal=Conflict(f"Invalid snapshot: {text} Snapshot's status must be 'available'."),
    )
    unattached = ~Q(pk__in=Attachment.objects.filter(volume=volume, snapshot=None).values("volume"))
    arguments = {"snapshot_id": str(newest.pk)}
    begin(volume, "revert", caller=caller, arguments=arguments, guard=unattached, refusal=volume_refusal)


def _follows_growth(volume: Volume) -> bool:
    """Tell whether each host that uses the volume has declared that it reconnects, and so sees a new size."""
    connectors = Attachment.objects.filter(volume=volume).values_list("connector", flat=True)
    return all(connector.get("reconnects") is True for connector in connectors)
