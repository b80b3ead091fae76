"""What moving a volume to another back-end means for its row and for the one that stands in for it.

While data are copied a second row has the new storage: its `migration_status` is `target:` and the volume's id. At the
end the two exchange what they have, and the old storage goes with the row that stood in, by an operation of its own.
Services and workflows both do it; each function is called in the transaction that it belongs to.
"""

from django.db.models import Q

from storage_site.caller import SYSTEM, Caller
from storage_site.operations.admission import begin, move
from storage_site.operations.errors import PermanentFailure
from volumes.errors import InvalidVolume
from volumes.lifecycle import AT_REST, STANDS_IN_FOR
from volumes.models import Attachment, Snapshot, Volume
from volumes.settling import end_lendings, settle
from volumes.sources import is_source_of_unmade

NOT_MOVING = Q(migration_status=None) | Q(migration_status__in=AT_REST)
"""What holds for volumes that are not being moved."""


def require_at_rest(volume: Volume) -> None:
    """Make sure that a volume, which is locked, is not being moved. :raises InvalidVolume: if it is."""
    if volume.is_moving:
        raise InvalidVolume(f"Volume {volume.pk} is part of an active migration ({volume.migration_status}).")


def obstacle(volume: Volume) -> str | None:
    """Say why a volume, which is locked, cannot be moved; None if it can."""
    if volume.group_id is not None:
        return "it belongs to a group; take it out of that first"
    if Attachment.objects.of_clients().filter(volume=volume).exists():
        return "it is attached, and its back-end cannot move it while it is used; detach it first"
    if volume.snapshots.filter(is_listed=True).exists():
        return "it has snapshots; delete them first"
    if volume.snapshots.filter(status__in=["creating", "backing-up"]).exists():
        return "a backup is being made of it; wait for its end"
    if is_source_of_unmade(volume):
        return "another volume is being made from it; wait for its end"
    return None


def stand_in_of(volume: Volume) -> Volume | None:
    """Return the row that stands in for the volume while it is moved."""
    return Volume.objects.filter(migration_status=f"{STANDS_IN_FOR}{volume.pk}").first()


def add_stand_in(volume: Volume, *, backend: str, pool: str, caller: Caller) -> None:
    """Have a row stand in for a volume, which is locked, on the back-end that it is moved to.

    :raises PermanentFailure: if something has come in the way of moving it.
    """
    if (reason := obstacle(volume)) is not None:
        raise PermanentFailure("volume-cannot-move", f"The volume cannot be moved: {reason}.")
    stand_in = Volume(
        project_id=volume.project_id,
        user_id=volume.user_id,
        name=volume.name,
        size_gib=volume.size_gib,
        volume_type=volume.retyping_to or volume.volume_type,
        availability_zone=volume.availability_zone,
        backend=backend,
        pool=pool,
        consumes_quota=False,
        migration_status=f"{STANDS_IN_FOR}{volume.pk}",
    )
    move(stand_in, "stand_in", caller=caller)


def leave_old_storage(volume: Volume, stand_in: Volume) -> None:
    """Have the old storage removed with the row that stood in, once the volume has the new one.

    Both are as they were before the exchange. What was lent of the volume, be it on its way back by now, and what was
    kept of it as the base of the next backup, goes with its old storage.
    """
    Attachment.objects.filter(volume=volume).update(volume=stand_in)
    Snapshot.objects.filter(volume=volume, is_listed=False).update(volume=stand_in)
    old = {"backend": volume.backend, "pool": volume.pool, "name_id": volume.stored_as}
    _remove(stand_in, **old)
    settle(volume.pk)


def abandon(volume: Volume) -> None:
    """After a move, or a change of type, that came to nothing: the volume is where it was, what was made goes."""
    changes: dict[str, object] = {"retyping_to": None}
    if volume.is_moving:
        changes["migration_status"] = "error"
    Volume.objects.filter(pk=volume.pk).update(**changes)
    end_lendings(volume, of=volume)
    stand_in = stand_in_of(volume)
    if stand_in is not None:
        _remove(stand_in)
    settle(volume.pk)


def _remove(stand_in: Volume, **fields: object) -> None:
    """Have a row that stood in removed, with the storage that `fields` give to it."""
    Volume.objects.filter(pk=stand_in.pk).update(migration_status="deleting", **fields)
    begin(Volume.objects.get(pk=stand_in.pk), "force_delete", caller=SYSTEM)
