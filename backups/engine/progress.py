"""How a job tells the outside how far it is and hears whether it should go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from backups.engine.errors import Cancelled

_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. Bytes are bytes of the volume that were looked at or known without looking."""

    done_bytes: int
    total_bytes: int
    moved_bytes: int
    """Bytes that were really read or written."""
    rate: float
    """Moved bytes per second of this attempt."""
    seconds_left: float | None

    @property
    def percent(self) -> int:
        """Return the part that is done, in hundredths, 100 only at the end."""
        return 100 if not self.total_bytes else 100 * self.done_bytes // self.total_bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a killed job will go on. The repository keeps the rest."""

    sequence: int
    position: int
    """Bytes of the volume before this one need not be looked at again."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a job calls: all from the thread that runs it, but `limit`, which upload threads call."""

    on_checkpoint: Callable[[Checkpoint], None] = lambda _checkpoint: None
    on_progress: Callable[[Progress], None] = lambda _progress: None
    is_cancelled: Callable[[], bool] = lambda: False
    limit: Callable[[int], None] = lambda _bytes: None
    """Returns when this many bytes may go to, or may have come from, the target."""


class Meter:
    """Reports progress, not too often, and asks as often whether the job is called off."""

    def __init__(self, hooks: Hooks, total_bytes: int, *, done_bytes: int = 0) -> None:
        self._hooks, self._total, self._first = hooks, total_bytes, done_bytes
        self._began = time.monotonic()
        self._last = 0.0

    def tell(self, done_bytes: int, moved_bytes: int, *, now: bool = False) -> None:
        """Report if it is time to, or at once. :raises Cancelled: if the job is called off."""
        at = time.monotonic()
        if not now and at - self._last < _EVERY_S:
            return
        self._last = at
        if self._hooks.is_cancelled():
            raise Cancelled
        spent = max(at - self._began, 1e-6)
        pace = (done_bytes - self._first) / spent
        left = (self._total - done_bytes) / pace if pace > 0 else None
        self._hooks.on_progress(Progress(done_bytes, self._total, moved_bytes, moved_bytes / spent, left))
