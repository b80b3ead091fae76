"""Moving a volume to another back-end: its worker lends it, the target's makes its new storage and copies.

The claim that copies is the one right after the lending, as with backups; any other has the volume lent anew first.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.conf import settings

from drivers.connect import Connection, copying, open_connection
from storage_site import queues
from storage_site.operations import heartbeat
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from storage_site.operations.pace import Pace
from volumes import backends, moving
from volumes.lending import lend_volume, take_back
from volumes.models import Attachment, Volume
from volumes.workflows.jobs import Jobs

CONNECTIONS = 2
"""Pairs of them: one is read through while another is written through."""
MIB = 1024**2
_jobs = Jobs(settings.MOVE_JOBS, "This worker moves as many volumes as it may at once.")
LEND, COPY = "volumes.tasks.lend_to_move", "volumes.tasks.move_volume"


def lend(op: Claimed, volume: Volume) -> None:
    """Shut out whoever read before, and lend the volume to a worker of the back-end that it is moved to."""
    stand_in = _stand_in_of(volume)
    driver = backends.driver(volume.backend)
    take_back(op, driver, volume, of=volume)
    mode = "ro" if driver.capabilities.readonly else "rw"
    attachment = lend_volume(op, driver, volume, volume, mode=mode)
    lent = {"attachment_id": str(attachment.pk), "claim": op.fence.claim}
    decision = {**op.operation.decision, "lent": lent}
    op.hand_over(task=COPY, queue=queues.of_backend(stand_in.backend), anew=False, decision=decision)


def copy(op: Claimed, volume: Volume) -> None:
    """Make the new storage, copy, and exchange; an earlier attempt is gone on with, its writer shut out first.

    Raises as drivers and `copying.copy` do.

    :raises PermanentFailure: if the volume is not being moved any more.
    """
    with _jobs.one(op) as is_free:
        if is_free:
            _copy(op, volume)


def _copy(op: Claimed, volume: Volume) -> None:
    source, stand_in = _lent_to(op), _stand_in_of(volume)
    if source is None:
        op.hand_over(task=LEND, queue=queues.of_backend(volume.backend), anew=False)
        return
    driver = backends.driver(stand_in.backend)
    take_back(op, driver, volume, of=stand_in)
    op.step("made", driver.create_volume, stand_in.ref())
    target = lend_volume(op, driver, stand_in, volume)
    position = int(op.operation.checkpoint.get("position", 0))
    with _connections_to(source) as sources, _connections_to(target) as targets:
        teller = _Teller(op, position)
        options = copying.Options(window_bytes=settings.MOVE_WINDOW_MIB * MIB)
        copying.copy(sources, targets, position=position, tell=teller.tell, keep=teller.keep, options=options)
    op.note(also=partial(Volume.objects.filter(pk=volume.pk).update, migration_status="completing"))
    take_back(op, driver, volume, of=stand_in)
    op.finish(also=partial(moving.leave_old_storage, volume, stand_in), **_fields(volume, stand_in))


def _fields(volume: Volume, stand_in: Volume) -> dict[str, Any]:
    """Return what the row of a volume says that has got the storage of its stand-in."""
    volume_type = stand_in.volume_type
    return {
        "backend": stand_in.backend,
        "pool": stand_in.pool,
        "name_id": stand_in.stored_as,
        "availability_zone": heartbeat.zone_of(stand_in.backend),
        "migration_status": "success",
        "retyping_to": None,
        "volume_type": volume_type,
        "is_multiattach": volume_type.is_multiattach if volume_type else volume.is_multiattach,
    }


def _stand_in_of(volume: Volume) -> Volume:
    found = moving.stand_in_of(volume)
    if found is None:
        raise PermanentFailure("volume-cannot-move", "The row that stood in for the volume was removed.")
    return found


def _lent_to(op: Claimed) -> Attachment | None:
    """Return what was lent for this claim; None if it was for an earlier one, which may still be using it."""
    lent = op.operation.decision.get("lent", {})
    if op.fence.claim != lent.get("claim", -1) + 1:
        return None
    return Attachment.objects.filter(pk=lent["attachment_id"]).first()


@contextmanager
def _connections_to(attachment: Attachment) -> Iterator[list[Connection]]:
    """Give open connections to what was lent. Raises as `open_connection`."""
    with ExitStack() as stack:
        yield [stack.enter_context(open_connection(attachment.connection_info)) for _ in range(CONNECTIONS)]


class _Teller:
    """Writes down how far a copy is, and keeps it to the rate of the settings."""

    def __init__(self, op: Claimed, position: int) -> None:
        self._op, self._pace = op, Pace(position)
        self._began = self._saved_at = time.monotonic()

    def tell(self, reached: copying.Reached) -> bool:
        """Tell it, at most once a second. :raises LeaseLost, HandBack: if the copy is to go on no more."""
        self._wait_for(reached.moved_bytes)
        progress = self._pace.at(reached.position, reached.size, moved=reached.moved_bytes)
        if progress is not None:
            self._op.note(progress=progress)
        self._op.check()
        return time.monotonic() - self._saved_at >= settings.MOVE_CHECKPOINT_S

    def keep(self, position: int) -> None:
        """Keep from where the next attempt goes on."""
        self._op.note(checkpoint={"position": position})
        self._saved_at = time.monotonic()

    def _wait_for(self, moved_bytes: int) -> None:
        """Wait until so much may have been carried. Raises as `tell`."""
        limit = settings.MOVE_MAX_MIB_PER_S * MIB
        while limit and (early_s := self._began + moved_bytes / limit - time.monotonic()) > 0:
            self._op.check()
            time.sleep(min(early_s, 0.2))
