"""Connections to the broker that make nobody wait long, and the workers' mailbox on one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu.messaging import Producer
from kombu.pidbox import Mailbox


def connect(timeout_s: float) -> Any:
    """Return an open connection whose every wait ends after about `timeout_s` seconds.

    :raises OperationalError: of kombu, if the broker does not answer.
    """
    options = {
        **(current_app.conf.broker_transport_options or {}),
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "read_timeout": timeout_s,
        "write_timeout": timeout_s,
        "max_retries": 0,
    }
    connection = current_app.connection_for_write(connect_timeout=timeout_s, transport_options=options)
    connection.ensure_connection(max_retries=1, timeout=timeout_s, interval_start=0, interval_step=0)
    return connection


@contextmanager
def mailbox(timeout_s: float) -> Iterator[Mailbox]:
    """Give the mailbox that reaches every worker's main process (Celery's remote control).

    :raises OperationalError: of kombu, if the broker does not answer.
    """
    conf = current_app.conf
    with connect(timeout_s) as connection:
        yield Mailbox(
            conf.control_exchange,
            type="fanout",
            connection=connection,
            accept=conf.accept_content,
            serializer=conf.task_serializer,
            producer_pool=_ProducerPool(connection),
            reply_queue_expires=conf.control_queue_expires,
        )


class _OneTry(Producer):
    """Publishes once: a mailbox would otherwise repeat it for as long as the broker is away."""

    def publish(self, *args: Any, **options: Any) -> Any:
        return super().publish(*args, **{**options, "retry": False})  # type: ignore[no-untyped-call] # kombu has no types


class _ProducerPool:
    """The pool of one producer that a mailbox takes its producer from."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @contextmanager
    def acquire(self) -> Iterator[Producer]:
        yield _OneTry(self._connection.default_channel, auto_declare=False)  # type: ignore[no-untyped-call] # likewise
