"""A bound on the work of one kind that a worker does at once: some of its threads are left for hosts that connect."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from storage_site.operations.claims import Claimed

BUSY_S = 10


class Jobs:
    """As many jobs at once as `most`, one at least."""

    def __init__(self, most: float, reason: str) -> None:
        self._free, self._reason = threading.BoundedSemaphore(max(1, int(most))), reason

    @contextmanager
    def one(self, op: Claimed) -> Iterator[bool]:
        """Give leave to begin; where there is none now, the operation has been put off."""
        if not self._free.acquire(blocking=False):
            op.postpone(BUSY_S, "backend-busy", self._reason)
            yield False
            return
        try:
            yield True
        finally:
            self._free.release()
