"""Keeping leases alive: one thread of the process renews whatever its other threads hold.

It renews while a driver call or C code runs. A database that does not answer is not a lost lease; only a
row that somebody else holds is.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from storage_site import logs
from storage_site.operations.claims import Claimed, log_fields
from storage_site.operations.errors import LeaseLost

logger = logging.getLogger(__name__)

_held: set[Claimed] = set()
_lock = threading.Lock()
_wake = threading.Event()
_thread: threading.Thread | None = None


@contextmanager
def kept(claimed: Claimed) -> Iterator[Claimed]:
    """Renew the lease of `claimed` in the background for as long as the block runs."""
    with _lock:
        _held.add(claimed)
        _start()
    try:
        yield claimed
    finally:
        with _lock:
            _held.discard(claimed)


def _start() -> None:
    global _thread  # noqa: PLW0603 - one per process
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_renew_for_ever, name="leases", daemon=True)
        _thread.start()


def _renew_for_ever() -> None:
    while not _wake.wait(settings.LEASE_S / 3):
        with _lock:
            held = list(_held)
        for claimed in held:
            token = logs.context.set(log_fields(claimed.operation))
            _renew(claimed)
            logs.context.reset(token)
        connection.close()  # until the next turn, which is long for one that nobody uses


def _renew(claimed: Claimed) -> None:
    if not claimed.is_held:
        return
    try:
        claimed.renew()
    except LeaseLost:
        if not claimed.is_leaving:  # otherwise it was left, not lost, while this waited for the row
            logger.warning("lease lost")
    except (DatabaseError, InterfaceError) as error:
        logger.warning("lease not renewed yet", extra={"reason": repr(error)})
        connection.close()
    except Exception:
        # All leases of the process hang on this thread: it outlives whatever one of them brings up.
        logger.exception("lease not renewed in a way nobody foresaw")
        connection.close()
