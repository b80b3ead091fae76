"""Making a volume on the back-end that placement chose, or on the next one that can."""

from collections.abc import Callable, Mapping
from functools import partial

from django.utils import timezone

from drivers.errors import DriverError, PermanentDriverError, TransientDriverError
from drivers.types import Fence, SnapshotRef, VolumeRef
from drivers.volume.base import VolumeDriver
from storage_site import queues
from storage_site.operations.admission import begin
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends
from volumes.models import Snapshot, Volume

TRIES_PER_BACKEND = 3


def run(op: Claimed, volume: Volume) -> None:
    """Make the volume, or hand it to the next candidate when this back-end cannot.

    :raises TransientDriverError: while it is worth trying here again. :raises PermanentFailure: when no
        candidate is left, naming every back-end and why not.
    """
    driver = backends.driver(volume.backend)
    ref = volume.ref()
    try:
        op.step("made", maker(driver, volume), ref, undo=partial(driver.delete_volume, ref))
    except TransientDriverError as error:
        candidate = _next_candidate(op, volume)
        if candidate is None or op.operation.checkpoint.get("waits", 0) + 1 < TRIES_PER_BACKEND:
            raise
        op.undo()  # while even that is impossible here, something may be left: no other back-end is tried
        _hand_over(op, volume, candidate, error)
    except PermanentDriverError as error:
        op.undo()
        _hand_over(op, volume, _next_candidate(op, volume), error)
    else:
        op.finish(launched_at=timezone.now(), also=partial(_begin_next, op, volume))


def _begin_next(op: Claimed, volume: Volume) -> None:
    """Begin what is to follow, in the same transaction: nobody sees the volume available in between."""
    following = op.operation.arguments.get("then")
    if following:
        begin(volume, following["verb"], caller=op.caller(), arguments=following["arguments"])


def maker(driver: VolumeDriver, volume: Volume) -> Callable[..., None]:
    """Return the call that makes the volume: blank, or from what it was asked to be made from."""
    if volume.snapshot_id:
        snapshot = Snapshot.objects.select_related("volume").filter(pk=volume.snapshot_id).first()
        if snapshot is None:
            raise PermanentFailure(
                "source-gone", f"Snapshot {volume.snapshot_id} was removed before the volume was made."
            )
        return partial(_from_snapshot, driver, snapshot.ref())
    if volume.source_volume_id:
        source = Volume.objects.filter(pk=volume.source_volume_id).first()
        if source is None:
            raise PermanentFailure("source-gone", f"Volume {volume.source_volume_id} was removed before it was cloned.")
        return partial(_from_volume, driver, source.ref())
    return driver.create_volume


def _from_snapshot(driver: VolumeDriver, snapshot: SnapshotRef, ref: VolumeRef, fence: Fence) -> None:
    driver.create_volume_from_snapshot(ref, snapshot, fence)


def _from_volume(driver: VolumeDriver, source: VolumeRef, ref: VolumeRef, fence: Fence) -> None:
    driver.clone_volume(ref, source, fence)


def _next_candidate(op: Claimed, volume: Volume) -> Mapping[str, str] | None:
    """Return the first candidate of the decision that has not been tried."""
    tried = {volume.backend, *op.operation.exclusions}
    candidates = op.operation.decision.get("candidates", [])
    return next((candidate for candidate in candidates if candidate["backend"] not in tried), None)


def _hand_over(op: Claimed, volume: Volume, candidate: Mapping[str, str] | None, error: DriverError) -> None:
    op.exclude(volume.backend, str(error))
    if candidate is None:
        reasons = {**op.operation.decision.get("refused", {}), **op.operation.exclusions}
        told = "; ".join(f"{backend}: {reason}" for backend, reason in sorted(reasons.items()))
        raise PermanentFailure("no-valid-backend", f"No back-end could make the volume. {told}")
    op.hand_over(
        task="volumes.tasks.create_volume",
        queue=queues.of_backend(candidate["backend"]),
        fields={"backend": candidate["backend"], "pool": candidate["pool"]},
    )
