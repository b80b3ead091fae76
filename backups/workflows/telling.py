"""Between the engine's jobs and their operation: checkpoints, progress, limits, tables, and whether to go on."""

import time
from contextlib import AbstractContextManager
from pathlib import Path

from backups.engine.progress import Checkpoint, Hooks
from backups.engine.progress import Progress as Done
from backups.engine.repository import ProjectStore
from backups.limits import limit_for
from backups.mirrors import mirror_of
from storage_site.operations.claims import WAITS, Claimed
from storage_site.operations.progress import Progress

EVERY_S = 1.0


def mirror_for(op: Claimed, store: ProjectStore) -> AbstractContextManager[Path | None]:
    """Return `mirror_of` for the operation; one that had to wait for something does without what others may hold."""
    return mirror_of(store, is_shared=not op.operation.checkpoint.get(WAITS))


class Teller:
    """Writes down what a job says, progress at most once a second."""

    def __init__(self, op: Claimed, project_id: str, *, keeps: str) -> None:
        self._op, self._project_id, self._keeps, self._told_at = op, project_id, keeps, 0.0

    def hooks(self) -> Hooks:
        """Return what the engine calls. Each call ends the job with LeaseLost or HandBack if it is to go on no more."""
        return Hooks(
            on_checkpoint=self._keep,
            on_progress=self._tell,
            is_cancelled=self._check,
            limit=limit_for(self._op, self._project_id),
        )

    def _keep(self, reached: Checkpoint) -> None:
        """Keep what the next attempt needs to go on from here: `sequence` or `position`."""
        self._op.note(checkpoint={self._keeps: getattr(reached, self._keeps)})

    def _tell(self, done: Done) -> None:
        if time.monotonic() - self._told_at < EVERY_S:
            return
        left = None if done.seconds_left is None else int(done.seconds_left)
        self._op.note(progress=Progress(done.done_bytes, done.total_bytes, int(done.rate), left))
        self._told_at = time.monotonic()

    def _check(self) -> bool:
        self._op.check()
        return False
