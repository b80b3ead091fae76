"""Calling work off, which those may whose resource it is."""

import logging

from django.apps import apps
from django.db import transaction

from storage_site.caller import Caller
from storage_site.errors import StateConflict
from storage_site.operations.admission import cancelled
from storage_site.operations.lifecycle import Verb
from storage_site.operations.models import Operation
from storage_site.operations.projection import project_failure

logger = logging.getLogger(__name__)

REASON = "Called off."


def is_cancellable(operation: Operation) -> bool:
    """Tell whether the operation is of a kind that may be called off, and has not ended."""
    verb = _verb_of(operation)
    return verb is not None and verb.is_cancellable and not operation.is_finished


@transaction.atomic
def call_off(*, operation: Operation, caller: Caller) -> None:
    """End the operation as cancelled, its resource as after a failure; no worker needs to agree.

    One that is on it finds its claim lost at its next write, and its fence overtaken on the storage by whatever
    is begun to clean up.

    :raises StateConflict: if it has ended, or its verb is not one to be called off.
    """
    verb = _verb_of(operation)
    if verb is None or not verb.is_cancellable:
        raise StateConflict(f"Work of this kind ({operation.verb}) cannot be called off.")
    resource = apps.get_model(operation.resource_type).locked(operation.resource_id)
    if not Operation.objects.filter(pk=operation.pk, outcome="").update(**cancelled(REASON)):
        operation.refresh_from_db()
        raise StateConflict(f"Operation {operation.id} has ended already: {operation.outcome}.")
    operation.refresh_from_db()
    if resource is not None:
        project_failure(operation, resource, REASON, caller=caller)
    logger.info("called off", extra={"operation_id": operation.id, "actor": caller.user_id})


def _verb_of(operation: Operation) -> Verb | None:
    """Return the verb's line of its table; None where an older release had one."""
    try:
        found: Verb = apps.get_model(operation.resource_type).lifecycle[operation.verb]
    except LookupError:
        return None
    return found
