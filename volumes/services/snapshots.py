"""What may be asked about a snapshot (contract 03, part 1)."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from storage_site.caller import Caller
from storage_site.operations.admission import begin, cancel_unfinished, lock, move
from volumes import moving, quotas
from volumes.errors import InvalidSnapshot, InvalidVolume
from volumes.models import Snapshot, Volume
from volumes.sources import is_source_of_unmade

_BUSY = (
    "Snapshot status must be available or error, it must not be part of a snapshot of a group, and no volume may be "
    "being made from it."
)


@transaction.atomic
def create_snapshot(
    *,
    caller: Caller,
    volume: Volume,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    is_in_use_admitted: bool = False,
) -> Snapshot:
    """Accept that what the volume holds is to be kept; of one in use only where that is admitted.

    :raises InvalidVolume: if its status does not admit it. :raises OverLimit: if a quota does not allow it.
    """
    known_type, volume = volume.volume_type, lock(volume)
    if known_type is not None and known_type.pk == volume.volume_type_id:
        volume.volume_type = known_type
    require_snapshotable(volume, is_in_use_admitted=is_in_use_admitted)
    quotas.admit_snapshot(project_id=volume.project_id, size_gib=volume.size_gib, volume_type=volume.volume_type)
    snapshot = Snapshot(
        project_id=volume.project_id,
        user_id=caller.user_id,
        volume=volume,
        name=name,
        description=description,
        size_gib=volume.size_gib,
        metadata=dict(metadata or {}),
    )
    begin(snapshot, "create", caller=caller)
    return snapshot


@transaction.atomic
def update_snapshot(*, snapshot: Snapshot, caller: Caller, **changes: Any) -> Snapshot:
    """Change name or description."""
    return _write(snapshot, **changes)


@transaction.atomic
def delete_snapshot(*, snapshot: Snapshot, caller: Caller, force: bool = False) -> None:
    """Ask the volume's back-end to give the snapshot up; `force` does so in any status.

    :raises InvalidSnapshot: if it is busy, or a volume is being made from it.
    """
    snapshot = lock(snapshot)
    if snapshot.group_snapshot_id is not None or is_source_of_unmade(snapshot):
        raise InvalidSnapshot(_BUSY)
    if force:
        cancel_unfinished(snapshot, "Deleted by force.")
    begin(snapshot, "force_delete" if force else "delete", caller=caller, refusal=InvalidSnapshot(_BUSY))


@transaction.atomic
def reset_status(*, snapshot: Snapshot, status: str, caller: Caller) -> None:
    """Set the record straight by hand: changes the status, cancels unfinished operations, touches no storage."""
    snapshot = lock(snapshot)
    cancel_unfinished(snapshot, f"Status reset to {status} by hand.")
    move(snapshot, "reset", caller=caller, to=status, reason="reset by hand")


@transaction.atomic
def update_status(*, snapshot: Snapshot, status: str, caller: Caller, progress: str = "") -> None:
    """Record how far the service that makes or deletes the snapshot is (compute services do, on shared files).

    `progress`: how much of it there is, as text ("90%"); empty: it is not told.
    :raises InvalidSnapshot: if that does not follow from its status.
    """
    snapshot = lock(snapshot)
    follow = {"creating": {"creating", "available", "error"}, "deleting": {"deleting", "error_deleting"}}
    refusal = InvalidSnapshot(f"Snapshot status {snapshot.status} not allowed for update_snapshot_status")
    if status not in follow.get(snapshot.status, set()):
        raise refusal
    cancel_unfinished(snapshot, f"Another service reports {status}.")
    fields = {"progress": progress} if progress else None
    move(snapshot, "update_status", caller=caller, to=status, fields=fields, refusal=refusal)


def require_snapshotable(volume: Volume, *, is_in_use_admitted: bool) -> None:
    """Make sure that what the volume holds can be kept. :raises InvalidVolume: if its status does not admit it."""
    moving.require_at_rest(volume)
    if volume.status == "maintenance":
        raise InvalidVolume("The snapshot cannot be created when the volume is in maintenance mode.")
    if volume.status == "error":
        raise InvalidVolume("The snapshot cannot be created when the volume is in error status.")
    admitted = ["available", "in-use"] if is_in_use_admitted else ["available"]
    if volume.status not in admitted or not volume.backend:
        raise InvalidVolume(
            f"Volume {volume.pk} status must be {', '.join(admitted)}, but current status is: {volume.status}."
        )


@transaction.atomic
def merge_metadata(*, snapshot: Snapshot, metadata: Mapping[str, str], caller: Caller) -> Mapping[str, str]:
    """Add to the snapshot's metadata, or replace pairs of it; return all of it."""
    return _metadata(snapshot, lambda current: {**current, **metadata})


@transaction.atomic
def replace_metadata(*, snapshot: Snapshot, metadata: Mapping[str, str], caller: Caller) -> Mapping[str, str]:
    """Replace the snapshot's metadata; return it."""
    return _metadata(snapshot, lambda _current: dict(metadata))


@transaction.atomic
def delete_metadata(*, snapshot: Snapshot, key: str, caller: Caller) -> None:
    """Remove one pair of the snapshot's metadata."""
    _metadata(snapshot, lambda current: {name: value for name, value in current.items() if name != key})


def _metadata(snapshot: Snapshot, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Mapping[str, str]:
    locked = lock(snapshot)
    changed = change(locked.metadata)
    _write(locked, metadata=changed)
    return changed


def _write(snapshot: Snapshot, **changes: Any) -> Snapshot:
    changes["updated_at"] = timezone.now()
    Snapshot.objects.filter(pk=snapshot.pk).update(**changes)
    for name, value in changes.items():
        setattr(snapshot, name, value)
    return snapshot
