"""A few threads that work off calls, with an end to how many may wait and one place where failures come out."""

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

from drivers.connect.base import Connection

Thing = TypeVar("Thing")


class Crew:
    """Runs calls in `workers` threads; twice as many may be under way."""

    def __init__(self, workers: int, name: str) -> None:
        self._permits, self._room = workers * 2, threading.Semaphore(workers * 2)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._failure: BaseException | None = None

    def submit(self, call: Callable[[], None]) -> None:
        """Have something done; waits while enough is under way. Raises what an earlier call raised."""
        self._room.acquire()
        if self._failure:
            self._room.release()
            raise self._failure
        # What the call logs belongs to the same work as what this thread does.
        context = contextvars.copy_context()
        self._threads.submit(context.run, self._unless_failed, call).add_done_callback(self._finished)

    def drain(self) -> None:
        """Return once everything is done. Raises what one of the calls raised."""
        for _ in range(self._permits):
            self._room.acquire()
        self._room.release(self._permits)
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """Let the threads go after what they are at."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _unless_failed(self, call: Callable[[], None]) -> None:
        """Do it, if there is any point. Raises what it raises."""
        if not self._failure:
            call()

    def _finished(self, done: "Future[None]") -> None:
        """Note a failure, and make room for the next call."""
        if not done.cancelled():
            self._failure = self._failure or done.exception()
        self._room.release()


class Lending(Generic[Thing]):
    """Things that one thread at a time may use, lent to whoever needs one."""

    def __init__(self, things: Sequence[Thing]) -> None:
        self._idle: SimpleQueue[Thing] = SimpleQueue()
        for thing in things:
            self._idle.put(thing)

    @contextmanager
    def one(self) -> Iterator[Thing]:
        """Lend one; waits until one is free."""
        lent = self._idle.get()
        try:
            yield lent
        finally:
            self._idle.put(lent)


Connections = Lending[Connection]
Buffers = Lending[bytearray]
