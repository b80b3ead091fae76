"""Ringing a worker: the message says only which operation waits; the row says everything else.

A bell that cannot be rung is no failure: the sweep rings again. So publishing is bounded, never retried,
and not even tried for a moment after it failed.
"""

import logging
import threading
import time
from functools import partial
from typing import Any

from celery import Task, current_app
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from storage_site.operations import broker
from storage_site.operations.models import Operation

logger = logging.getLogger(__name__)

PUBLISH_TIMEOUT_S = 0.2
BREAKER_OPEN_S = 2.0


class Doorbell(Task):  # type: ignore[misc] # celery carries no types
    """The base of all tasks that carry out operations: messages are taken as the intake module says."""

    Strategy = "storage_site.operations.intake:strategy"
    ignore_result = True
    typing = False


class _Breaker:
    """Remembers that the broker has just failed, so that requests do not wait for it one after another."""

    def __init__(self) -> None:
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._closed_again_at

    def trip(self) -> None:
        self._closed_again_at = time.monotonic() + BREAKER_OPEN_S


_breaker = _Breaker()
_mine = threading.local()  # a connection is not to be shared between threads


def ring_after_commit(operation: Operation) -> None:
    """Ring for `operation` once the transaction that accepted it is committed."""
    transaction.on_commit(partial(ring, operation))


def ring(operation: Operation) -> bool:
    """Send the operation's bell to its queue; tell whether the broker took it.

    Waits PUBLISH_TIMEOUT_S at most for a broker that does not answer. Never raises.
    """
    if _breaker.is_open:
        return False
    for connection_is_fresh in (False, True):
        if connection_is_fresh:
            _disconnect()
        try:
            current_app.send_task(
                operation.task,
                kwargs={"operation_id": str(operation.id)},
                queue=operation.queue,
                producer=_producer(),
                retry=False,
                ignore_result=True,
            )
        except Exception as error:  # noqa: BLE001 - nothing a broker says undoes what was accepted
            reason = repr(error)
        else:
            return True
    _disconnect()
    _breaker.trip()
    logger.warning("bell not rung", extra={"operation_id": operation.id, "queue": operation.queue, "reason": reason})
    return False


def depth(queue: str) -> int:
    """Return how many bells wait in `queue`. :raises BrokerError: if the broker does not answer."""
    try:
        channel = _producer().channel
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except (BrokerError, OSError):
        _disconnect()
        raise
    except Exception as error:  # noqa: BLE001 - each transport has its own error for a queue nobody has used yet
        _disconnect()
        logger.debug("queue not known to the broker", extra={"queue": queue, "reason": repr(error)})
        return 0


def _producer() -> Any:
    producer = getattr(_mine, "producer", None)
    if producer is None:
        _mine.connection = broker.connect(PUBLISH_TIMEOUT_S)
        producer = _mine.producer = current_app.amqp.Producer(_mine.connection.default_channel, auto_declare=False)
    return producer


def _disconnect() -> None:
    connection, _mine.connection, _mine.producer = getattr(_mine, "connection", None), None, None
    if connection is not None:
        try:
            connection.release()
        except Exception as error:  # noqa: BLE001 - the connection is given up whatever it says
            logger.debug("broker connection closed badly", extra={"reason": repr(error)})
