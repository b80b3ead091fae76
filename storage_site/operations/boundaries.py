"""The places between which work can end at any moment, told as it reaches them: to the log, and to whoever listens.

Nothing of the service depends on anybody listening. What a listener raises comes out where the work is, as if the
storage or the database had raised it there.
"""

import logging

from django.dispatch import Signal

from storage_site.operations.models import Operation

logger = logging.getLogger(__name__)

BEGUN = "begun"
reached = Signal()
"""Sent with `operation`, as its holder knows it, and `boundary`: "begun", or "before" or "after" what is done."""


def reach(operation: Operation, boundary: str) -> None:
    """Tell that the holder of `operation` has come to `boundary`, outside of any transaction of its own."""
    logger.debug("reached", extra={"operation_id": operation.id, "task": operation.task, "boundary": boundary})
    reached.send(Operation, operation=operation, boundary=boundary)
