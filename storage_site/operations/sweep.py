"""The sweep: rings again for what is due and nobody works on, and ends what has waited past its deadline.

It may run in several processes at once: ringing twice is harmless, ending is a claim like any other.
"""

import logging

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError

from storage_site.operations import doorbell
from storage_site.operations.claims import claim
from storage_site.operations.models import Operation

logger = logging.getLogger(__name__)

BATCH = 500


def waiting() -> "QuerySet[Operation]":
    """Return the unfinished operations that are due and that nobody holds."""
    free = Q(owner="") | Q(lease_until__lt=Now())
    return Operation.objects.filter(free, outcome="", not_before__lte=Now()).order_by("not_before")


def sweep() -> int:
    """Ring for what waits and end what is overdue; return how many bells were rung."""
    for operation in waiting().filter(deadline_at__lt=Now())[:BATCH]:
        _end_overdue(operation)
    # Queue by queue: what waits for a worker that never comes must not fill the batch of all.
    queues = list(waiting().order_by("queue").values_list("queue", flat=True).distinct())
    return sum(_ring_queue(queue, list(waiting().filter(queue=queue)[:BATCH])) for queue in queues)


def _ring_queue(queue: str, operations: list[Operation]) -> int:
    """Ring for all of `operations`, unless as many bells wait in the queue already.

    Without that look, each sweep would add a bell for everything that waits behind long work.
    """
    try:
        if doorbell.depth(queue) >= len(operations):
            return 0
    except (BrokerError, OSError) as error:
        logger.warning("the broker does not answer", extra={"queue": queue, "reason": repr(error)})
        return 0
    return sum(doorbell.ring(operation) for operation in operations)


def _end_overdue(operation: Operation) -> None:
    claimed = claim(str(operation.id), task=operation.task)
    if claimed is None:
        return
    reason = operation.fault_detail or f"No worker of queue {operation.queue} took it up."
    try:
        claimed.fail(operation.fault_code or "deadline", f"Not done by its deadline. {reason}")
    except Exception:
        # The others must not stay as they are because of this one, which comes again when its lease has run out.
        logger.exception("overdue operation not ended", extra={"operation_id": operation.id})
