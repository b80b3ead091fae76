"""What a worker does when it is called by broadcast: a scheduler stores reports, and tells what it knows."""

import logging
from dataclasses import asdict
from typing import Any

from celery import bootsteps
from celery.concurrency import prefork
from celery.exceptions import ImproperlyConfigured
from celery.worker.consumer.control import Control
from celery.worker.control import control_command, inspect_command

from scheduling import enquiry
from scheduling.reports import REPORTS
from storage_site import queues

logger = logging.getLogger(__name__)

# How long after its consumer has started a worker is sure to hear what is broadcast.
LISTENING_S = 0.3


@control_command(visible=False)  # type: ignore[untyped-decorator] # celery carries no types
def receive_report(state: Any, report: Any = None, **_later: Any) -> None:
    """Keep a volume worker's report, if this worker places volumes."""
    if _is_scheduler(state.app):
        REPORTS.receive(report)


@inspect_command(visible=False)  # type: ignore[untyped-decorator] # celery carries no types
def pools(state: Any, **_later: Any) -> dict[str, Any] | None:
    """Tell what this scheduler knows of all pools; any other worker answers with nothing."""
    if not _is_scheduler(state.app):
        return None
    return {"pools": [asdict(pool) for pool in REPORTS.pools()]}


class AskForReports(bootsteps.StartStopStep):  # type: ignore[misc] # celery carries no types
    """Asks the volume workers for reports as soon as a scheduler can hear them, also after a reconnect."""

    requires = (Control,)
    name = "scheduling.remote.AskForReports"

    def start(self, consumer: Any) -> None:
        """Ask. :raises ImproperlyConfigured: if the tasks run in processes that reports do not reach."""
        if not _is_scheduler(consumer.app):
            return
        if isinstance(consumer.pool, prefork.TaskPool):
            raise ImproperlyConfigured("a scheduler keeps the reports in memory: start it with --pool=threads")
        # The broker delivers to a worker only once its loop runs: an answer that came before would be lost.
        consumer.timer.call_after(LISTENING_S, _ask)


def _ask() -> None:
    REPORTS.note_asked(0)
    enquiry.ask_for_reports()


def _is_scheduler(app: Any) -> bool:
    return queues.SCHEDULER in app.amqp.queues.consume_from
