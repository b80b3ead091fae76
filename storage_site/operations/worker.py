"""The worker process itself: its heartbeat, and its end."""

import logging
import threading
from typing import Any

from celery import bootsteps
from celery.signals import worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from storage_site.operations import heartbeat, shutdown
from storage_site.operations import remote as _remote  # noqa: F401 - its commands are known from then on

logger = logging.getLogger(__name__)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _hand_work_back(**_kwargs: Any) -> None:
    shutdown.request()


class Keeper(bootsteps.StartStopStep):  # type: ignore[misc] # celery carries no types
    """Beats the heart of the process from a thread of its own, so that a busy pool never looks dead."""

    name = "storage_site.operations.worker.Keeper"

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Start beating for each queue that the worker consumes."""
        shutdown.withdraw()
        queues = list(worker.app.amqp.queues.consume_from)
        self._thread = threading.Thread(target=self._beat, args=(queues,), name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self, _worker: Any) -> None:
        """Stop beating."""
        self._ended.set()

    def _beat(self, queues: list[str]) -> None:
        while True:
            try:
                for queue in queues:
                    heartbeat.beat(queue)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("heartbeat not written", extra={"reason": repr(error)})
            finally:
                connection.close()
            if self._ended.wait(settings.REPORT_INTERVAL_S):
                return
