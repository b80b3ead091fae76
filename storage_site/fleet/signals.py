"""Holding back the signals that ask for the end, where an exception in between would lose what was just begun."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deferred() -> Iterator[None]:
    """Let such signals come after the block only; blocking them would be inherited by what is started in it."""
    if threading.current_thread() is not threading.main_thread():  # the others get none
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        os.kill(os.getpid(), number)
