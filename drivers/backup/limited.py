"""A limit of bytes per second around any backup target."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from drivers.backup.base import BackupTarget, ObjectInfo
from drivers.errors import NotSupported


class TokenBucket:
    """A right to move `bytes_per_s` on average, shared by all threads that take from it.

    Whoever finds no debt may take as much as it needs and leaves the debt to the next, so that objects of any size
    pass. What nobody takes for `burst_s` seconds is lost. `sleep` may raise, to end a wait that is wanted no longer.
    """

    def __init__(
        self,
        bytes_per_s: float,
        *,
        burst_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if bytes_per_s <= 0:
            raise ValueError("a limit is more than nothing per second")
        self._rate, self._burst_s, self._clock, self._sleep = bytes_per_s, burst_s, clock, sleep
        self._lock = threading.Lock()
        self._free_at = clock() - burst_s  # when the debt is, or was, paid

    def take(self, count: int) -> None:
        """Wait until everything taken before is paid for, then take `count` bytes."""
        while wait_s := self._take_or_wait(count):
            self._sleep(wait_s)

    def owe(self, count: int) -> None:
        """Take `count` bytes without waiting, because they have been moved already."""
        with self._lock:
            self._add(count)

    def _take_or_wait(self, count: int) -> float:
        """Take, and return 0; or return for how long there is debt."""
        with self._lock:
            debt_s = self._free_at - self._clock()
            if debt_s > 0:
                return debt_s
            self._add(count)
            return 0

    def _add(self, count: int) -> None:
        self._free_at = max(self._free_at, self._clock() - self._burst_s) + count / self._rate


class LimitedTarget(BackupTarget):
    """Passes every call on to `inner`, each as late as `bucket` demands. Several may share a bucket, and be nested."""

    def __init__(self, inner: BackupTarget, bucket: TokenBucket) -> None:
        self.key = inner.key
        self._inner, self._bucket = inner, bucket
        self.capabilities = inner.capabilities

    def __repr__(self) -> str:
        return f"LimitedTarget({self._inner!r})"

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:  # noqa: ARG003 - the contract's call
        """Refuse: it is made around another one. :raises NotSupported: always."""
        raise NotSupported(f"Backup target {key!r}: a limit is not a kind of target")

    def check(self) -> None:
        """Let the target check itself."""
        self._inner.check()
        self.capabilities = self._inner.capabilities

    def _put(self, name: str, buffers: Sequence[memoryview], *, only_if_absent: bool) -> bool:
        self._bucket.take(sum(map(len, buffers)))
        return self._inner.put(name, buffers, only_if_absent=only_if_absent)

    def _get(self, name: str, offset: int, length: int | None) -> bytes:
        self._bucket.take(0)
        found = self._inner.get(name, offset=offset, length=length)
        self._bucket.owe(len(found))
        return found

    def _get_into(self, name: str, view: memoryview, offset: int) -> int:
        self._bucket.take(0)
        count = self._inner.get_into(name, view, offset=offset)
        self._bucket.owe(count)
        return count

    def _size(self, name: str) -> int:
        return self._inner.size(name)

    def _delete(self, name: str) -> None:
        self._inner.delete(name)

    def _list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._inner.list(prefix)
