"""How a worker takes bells: one for each free slot, acknowledged at once, the rest left in the queue.

A bell that is acknowledged when it is taken cannot be cut off or repeated by the broker, however long the
work lasts; a worker without a free slot stops consuming, so what waits is free for any other worker. What
is lost with a worker that dies is rung again by the sweep.
"""

import logging
import sys
from typing import Any

from celery import bootsteps
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from celery.worker.strategy import default
from django.conf import settings

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.05


class Intake(bootsteps.StartStopStep):  # type: ignore[misc] # celery carries no types
    """Stops the worker's consumer while all its slots are taken."""

    requires = (Tasks,)
    name = "storage_site.operations.intake.Intake"

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        consumer.intake = self
        self._consumer = consumer
        self._is_paused = False
        bounds = [settings.QUEUE_SLOTS.get(queue) for queue in consumer.app.amqp.queues.consume_from]
        self._most = min((bound for bound in bounds if bound), default=sys.maxsize)

    def start(self, _consumer: Any) -> None:
        """Begin with an open intake, also after a reconnect."""
        self._is_paused = False

    @property
    def is_full(self) -> bool:
        """Tell whether every slot of the pool is taken, or as many as the queue may have."""
        return len(state.reserved_requests) >= min(int(self._consumer.pool.limit), self._most)

    def pause(self) -> None:
        """Stop consuming until a slot is free."""
        if self._is_paused:
            return
        self._is_paused = True
        self._consumer.task_consumer.cancel()
        self._look_again()

    def _look_again(self) -> None:
        self._consumer.timer.call_after(LOOK_AGAIN_S, self._resume_if_free)

    def _resume_if_free(self) -> None:
        if not self._is_paused or self._consumer.task_consumer is None:
            return
        if self.is_full:
            self._look_again()
            return
        self._is_paused = False
        self._consumer.task_consumer.consume()


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Any:
    """Return the function that takes a bell for `task` (Celery's Task.Strategy)."""
    take = default(task, app, consumer, **options)
    intake: Intake = consumer.intake

    def on_message(message: Any, body: Any, _ack: Any, _reject: Any, callbacks: Any, **rest: Any) -> None:
        if intake.is_full:
            message.requeue()
        else:
            message.ack()
            take(message, body, _nothing, _nothing, callbacks, **rest)
        if intake.is_full:
            intake.pause()

    return on_message


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Stand in for the acknowledgement that has been made already."""
