"""Making a volume on the back-end that placement chose, or on the next one that can."""

from collections.abc import Mapping
from functools import partial

from django.utils import timezone

from drivers.errors import DriverError, PermanentDriverError, TransientDriverError
from storage_site import queues
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends
from volumes.models import Volume

TRIES_PER_BACKEND = 3


def run(op: Claimed, volume: Volume) -> None:
    """Make the volume, or hand it to the next candidate when this back-end cannot.

    :raises TransientDriverError: while it is worth trying here again. :raises PermanentFailure: when no
        candidate is left, naming every back-end and why not.
    """
    driver = backends.driver(volume.backend)
    ref = volume.ref()
    try:
        op.step("made", driver.create_volume, ref, undo=partial(driver.delete_volume, ref))
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
        op.finish(launched_at=timezone.now())


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
