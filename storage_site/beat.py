"""Celery beat that runs its ticks in its own process: a sweep must not wait behind the work it watches."""

from celery.beat import ScheduleEntry, Scheduler
from celery.utils.log import get_logger
from django.db import close_old_connections

logger = get_logger(__name__)


class LocalScheduler(Scheduler):
    """Run each entry of the schedule here instead of sending it to a queue."""

    def apply_async(self, entry: ScheduleEntry, producer=None, advance=True, **kwargs):  # noqa: ARG002, FBT002 - Celery's signature
        """Run the tick; a tick that fails is logged and comes again at its next turn."""
        entry = self.reserve(entry) if advance else entry
        close_old_connections()  # nobody else does here, and one that the database has cut fails for ever
        result = self.app.tasks[entry.task].apply(args=entry.args, kwargs=entry.kwargs)
        if result.failed():
            logger.error("tick failed", extra={"task": entry.task, "reason": repr(result.result)})
        return result
