"""Asking by broadcast: all volume workers for their reports, any scheduler for the pools it knows."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError as BrokerError
from kombu.messaging import Producer
from kombu.pidbox import Mailbox

from scheduling.placement import PoolReport
from storage_site.errors import Unavailable

logger = logging.getLogger(__name__)

PATIENCE_S = 1.0


class _OneTry(Producer):
    """Publishes once: a mailbox would otherwise repeat it for as long as the broker is away."""

    def publish(self, *args: Any, **options: Any) -> Any:
        return super().publish(*args, **{**options, "retry": False})


class _ProducerPool:
    """The pool of one producer that a mailbox takes its producer from."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @contextmanager
    def acquire(self) -> Iterator[Producer]:
        yield _OneTry(self._connection.default_channel, auto_declare=False)


class _Answered(Exception):
    """A scheduler has answered; the other workers' replies are not waited for."""


def ask_for_reports() -> None:
    """Ask every volume worker to report at once. Waits briefly for a broker that does not answer; never raises."""
    try:
        with _mailbox(PATIENCE_S) as mailbox:
            mailbox.abcast("send_report")
    except (BrokerError, OSError) as error:
        logger.warning("volume workers not asked for reports", extra={"reason": repr(error)})


def known_pools(timeout_s: float = PATIENCE_S) -> list[PoolReport]:
    """Return the pools that a scheduler knows. :raises Unavailable: if none answers in about `timeout_s` seconds."""
    answers: list[list[dict[str, Any]]] = []

    def look(replies: dict[str, Any]) -> None:
        answers.extend(reply["pools"] for reply in replies.values() if isinstance(reply, dict) and "pools" in reply)
        if answers:
            raise _Answered

    try:
        with _mailbox(timeout_s) as mailbox:
            mailbox.multi_call("pools", timeout=timeout_s, callback=look)
    except _Answered:
        return [PoolReport(**pool) for pool in answers[0]]
    except (BrokerError, OSError) as error:
        raise Unavailable("The message broker does not answer, so no scheduler can be asked.") from error
    raise Unavailable(f"No scheduler answered in {timeout_s:g} s. Is a scheduler worker running?")


@contextmanager
def _mailbox(timeout_s: float) -> Iterator[Mailbox]:
    """Give the workers' mailbox on a connection of its own, which waits `timeout_s` at most."""
    conf = current_app.conf
    options = {
        **(conf.broker_transport_options or {}),
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "read_timeout": timeout_s,
        "write_timeout": timeout_s,
        "max_retries": 0,
    }
    with current_app.connection_for_write(connect_timeout=timeout_s, transport_options=options) as connection:
        connection.ensure_connection(max_retries=1, timeout=timeout_s, interval_start=0, interval_step=0)
        yield Mailbox(
            conf.control_exchange,
            type="fanout",
            connection=connection,
            accept=conf.accept_content,
            serializer=conf.task_serializer,
            producer_pool=_ProducerPool(connection),
            reply_queue_expires=conf.control_queue_expires,
        )
