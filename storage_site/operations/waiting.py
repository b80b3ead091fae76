"""Waiting in a request for an operation to end, by looking at its row."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from storage_site.errors import BackendSilent, Unavailable
from storage_site.operations.models import Operation

FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.1

# At most half of the web threads wait; the others go on answering.
_seats = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def seat() -> Iterator[None]:
    """Take one of the seats for requests that wait, before anything is accepted.

    :raises Unavailable: if all are taken.
    """
    if not _seats.acquire(blocking=False):
        raise Unavailable
    try:
        yield
    finally:
        _seats.release()


def wait_for(operation_id: UUID, timeout_s: float) -> Operation:
    """Return the operation once it has ended, well or not. Outside of any transaction, on a seat.

    :raises BackendSilent: if it has not ended in `timeout_s` seconds; it goes on all the same.
    """
    until = time.monotonic() + timeout_s
    pause = FIRST_LOOK_S
    while True:
        operation = Operation.objects.get(id=operation_id)
        if operation.is_finished:
            return operation
        if time.monotonic() > until:
            raise BackendSilent
        time.sleep(pause)
        pause = min(LAST_LOOK_S, pause * 1.3)
