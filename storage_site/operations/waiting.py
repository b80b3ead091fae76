"""Waiting in a request for an operation to end, by looking at its row."""

import threading
import time
from uuid import UUID

from django.conf import settings

from storage_site.errors import BackendSilent, Unavailable
from storage_site.operations.models import Operation

FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.1

# At most half of the web threads wait; the others go on answering.
_seats = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


def wait_for(operation_id: UUID, timeout_s: float) -> Operation:
    """Return the operation once it has ended, well or not. To be called outside of any transaction.

    :raises Unavailable: if too many requests wait already. :raises BackendSilent: if it has not ended in
        `timeout_s` seconds; it goes on all the same.
    """
    if not _seats.acquire(blocking=False):
        raise Unavailable
    try:
        return _poll(operation_id, time.monotonic() + timeout_s)
    finally:
        _seats.release()


def _poll(operation_id: UUID, until: float) -> Operation:
    pause = FIRST_LOOK_S
    while True:
        operation = Operation.objects.get(id=operation_id)
        if operation.is_finished:
            return operation
        if time.monotonic() > until:
            raise BackendSilent
        time.sleep(pause)
        pause = min(LAST_LOOK_S, pause * 1.3)
