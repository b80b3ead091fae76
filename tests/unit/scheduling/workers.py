"""Workers as far as broadcasts reach them: mailboxes on the in-memory broker, heard by a thread."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Celery
from celery.utils.collections import AttributeDict
from celery.worker.control import Panel
from kombu import Connection

import scheduling.remote
from storage_site import queues
from volumes import backends
from volumes.reporting import report_of

BROKER = "memory://"


def app_of(*names: str) -> Celery:
    """Return the application of a worker that consumes these queues."""
    app = Celery("worker", broker=BROKER, set_as_current=False)
    app.amqp.queues.select(list(names))
    return app


def state_of(app: Celery) -> AttributeDict:
    """Return what a command is told of its worker."""
    return AttributeDict(app=app, hostname="worker", consumer=None)


def scheduler() -> tuple[str, Celery, dict[str, Any]]:
    """Return a worker of the scheduler's queue, with its real commands."""
    return "scheduler@test", app_of(queues.SCHEDULER), Panel.data


def volume_worker(*keys: str) -> tuple[str, Celery, dict[str, Any]]:
    """Return a worker that, when it is asked, really measures its back-ends and reports them."""
    app = app_of(*map(queues.of_backend, keys))

    def send_report(_state: Any, **_later: Any) -> None:
        for key in keys:
            app.control.broadcast("receive_report", arguments={"report": report_of(key, backends.driver(key))})

    return f"volume@{'-'.join(keys)}", app, {**Panel.data, "send_report": send_report}


@contextmanager
def listening(*workers: tuple[str, Celery, dict[str, Any]]) -> Iterator[None]:
    """Let these workers hear broadcasts for the length of the block."""
    ended = threading.Event()
    with Connection(BROKER) as connection:
        for name, app, handlers in workers:
            mailbox = app.control.mailbox(connection)
            mailbox.Node(name, state_of(app), connection.channel(), handlers).listen()
        thread = threading.Thread(target=_drain, args=(connection, ended))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _drain(connection: Connection, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            connection.drain_events(timeout=0.05)
        except TimeoutError:
            continue


def told(reports: Sequence[dict[str, Any]]) -> None:
    """Tell the scheduler of this process these reports."""
    for report in reports:
        scheduling.remote.receive_report(state_of(app_of(queues.SCHEDULER)), report=report)
