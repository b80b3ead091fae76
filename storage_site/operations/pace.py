"""How fast work gets on: what a workflow tells of bytes done, at most once a second, with rate and seconds left."""

import time

from storage_site.operations.progress import Progress

EVERY_S = 1.0


class Pace:
    """Reckons from when it is made, and from byte `first` on, which an earlier attempt had come to."""

    def __init__(self, first: int = 0) -> None:
        self._first, self._began, self._told_at = first, time.monotonic(), 0.0

    def at(self, done: int, total: int, *, moved: int | None = None) -> Progress | None:
        """Return what is to be told of `done` bytes out of `total`; None if that was told a moment ago.

        `moved` is how many of them had to be carried, which the rate is of; unless it is given, all.
        """
        now = time.monotonic()
        if now - self._told_at < EVERY_S:
            return None
        self._told_at = now
        spent_s, gained = max(now - self._began, 1e-6), done - self._first
        left_s = int((total - done) * spent_s / gained) if gained > 0 else None
        return Progress(done, total, int((gained if moved is None else moved) / spent_s), left_s)
