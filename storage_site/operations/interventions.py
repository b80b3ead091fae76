"""What an operator may do to an operation by hand."""

import logging

from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from storage_site.caller import Caller
from storage_site.errors import StateConflict
from storage_site.operations import doorbell
from storage_site.operations.admission import cancel_unfinished
from storage_site.operations.models import Operation

logger = logging.getLogger(__name__)


def retry_now(*, operation: Operation, caller: Caller) -> bool:
    """Have an operation that waits taken up at once; tell whether the broker took the bell.

    Nothing that ended begins again by this: the verb has to be asked for once more.

    :raises StateConflict: if it has ended, or a worker is on it.
    """
    free = Q(owner="") | Q(lease_until__lt=Now())
    waiting = Operation.objects.filter(free, pk=operation.pk, outcome="")
    if not waiting.update(not_before=Now()):
        operation.refresh_from_db()
        raise StateConflict(_why_not(operation))
    logger.info("retried by hand", extra={"operation_id": operation.id, "actor": caller.user_id})
    return doorbell.ring(operation)


@transaction.atomic
def cancel(*, operation: Operation, caller: Caller, reason: str) -> int:
    """End every unfinished operation of the same resource without effect; return how many there were.

    The resource keeps the status it has, and the storage whatever was done on it.

    :raises StateConflict: if the operation has ended.
    """
    resource = apps.get_model(operation.resource_type)(pk=operation.resource_id)
    is_unfinished = Operation.objects.filter(pk=operation.pk, outcome="").exists()
    cancelled = cancel_unfinished(resource, f"Cancelled by {caller.user_name}: {reason}") if is_unfinished else 0
    if not cancelled:
        operation.refresh_from_db()
        raise StateConflict(f"It has ended already: {operation.outcome}.")
    logger.info("cancelled by hand", extra={"operation_id": operation.id, "actor": caller.user_id, "reason": reason})
    return cancelled


def _why_not(operation: Operation) -> str:
    if operation.is_finished:
        return (
            f"It has ended ({operation.outcome}) and cannot be taken up again: "
            f"ask for the verb {operation.verb!r} once more."
        )
    return f"A worker is on it: {operation.owner}."
