"""Carrying out one operation: claim it, run its workflow, and turn whatever happens into a state of the row.

The only place where an exception becomes an error status or a next attempt.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.utils import timezone

from drivers.errors import DriverError, PermanentDriverError, StaleFence, TransientDriverError
from storage_site import logs
from storage_site.operations.boundaries import BEGUN, reach
from storage_site.operations.claims import WAITS, Claimed, claim, log_fields
from storage_site.operations.errors import HandBack, LeaseLost, PermanentFailure
from storage_site.operations.leases import kept
from storage_site.operations.lifecycle import GONE

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5  # of claims that died or failed in a way nobody foresaw
MAX_DELAY_S = 30.0
# The database does not answer or refuses to just now; what it refuses for good is a defect.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)

Workflow = Callable[[Claimed, Any], None]


def perform(task: Any, operation_id: str, workflow: Workflow) -> None:
    """Carry out the operation for the Celery task that was rung, if it can be claimed; otherwise do nothing."""
    queue = (task.request.delivery_info or {}).get("routing_key")
    carry_out(operation_id, workflow, task=task.name, queue=None if task.request.is_eager else queue)


def carry_out(operation_id: str, workflow: Workflow, *, task: str, queue: str | None = None) -> None:
    """Carry out the operation if it waits for `task` (in `queue`) and can be claimed; otherwise do nothing."""
    try:
        claimed = claim(operation_id, task=task, queue=queue)
    except DATABASE_AWAY:
        logger.exception("not claimed; the sweep rings again", extra={"operation_id": operation_id})
        return
    if claimed is None:
        logger.debug("nothing to claim", extra={"operation_id": operation_id})
        return
    token = logs.context.set(log_fields(claimed.operation))
    try:
        with kept(claimed):
            _run(claimed, workflow)
    except LeaseLost:
        logger.warning("claim lost; nothing more is touched")
    except DATABASE_AWAY:
        logger.exception("the database is away; the sweep takes this up when the lease has run out")
    finally:
        logs.context.reset(token)


def _run(claimed: Claimed, workflow: Workflow) -> None:
    try:
        resource = _resource_of(claimed)
        if resource is None:
            claimed.finish()
        else:
            reach(claimed.operation, BEGUN)
            workflow(claimed, resource)
    except (LeaseLost, StaleFence):
        raise LeaseLost from None
    except HandBack:
        claimed.hand_back()
    except (PermanentFailure, PermanentDriverError) as error:
        _take_back_and_fail(claimed, error.code, str(error))
    except TransientDriverError as error:
        _put_off(claimed, error.code, str(error))
    except DATABASE_AWAY:
        raise
    except Exception as error:
        logger.exception("the workflow failed in a way nobody foresaw")
        _after_a_defect(claimed, error)
    if claimed.is_held:
        logger.error("the workflow ended without saying how")
        claimed.fail("defect", "The workflow ended without saying how.")


def _resource_of(claimed: Claimed) -> Any:
    """Return what the operation is about; None if that has gone, which is all that was wanted.

    :raises PermanentFailure: if there is no sense in beginning.
    """
    resource = claimed.resource()
    if resource is None and claimed.verb.after == GONE:
        return None
    if resource is None:
        raise PermanentFailure("resource-gone", "The resource was removed before the work began.")
    if claimed.operation.attempts >= MAX_ATTEMPTS:
        detail = f"{claimed.operation.attempts} attempts died: see the workers' logs."
        raise PermanentFailure("too-many-attempts", detail)
    return resource


def _take_back_and_fail(claimed: Claimed, code: str, detail: str) -> None:
    try:
        claimed.undo()
    except HandBack:
        claimed.hand_back()
    except StaleFence:
        raise LeaseLost from None
    except PermanentDriverError as error:
        logger.exception("taking back failed for good; something may be left on the storage")
        claimed.fail(code, f"{detail} Taking back what was done failed as well: {error}")
    except DriverError as error:
        _put_off(claimed, code, f"{detail} Taking back what was done is tried again: {error}")
    else:
        claimed.fail(code, detail)


def _put_off(claimed: Claimed, code: str, reason: str) -> None:
    """Try again later, until the deadline: a back-end that is down delays its operations, it does not fail them."""
    operation = claimed.operation
    if timezone.now() >= operation.deadline_at:
        claimed.fail(code, reason)
        return
    waits = int(operation.checkpoint.get(WAITS, 0))
    checkpoint = {**operation.checkpoint, WAITS: waits + 1}
    claimed.postpone(_delay_s(waits), code, reason, checkpoint=checkpoint)


def _after_a_defect(claimed: Claimed, error: Exception) -> None:
    attempts = claimed.operation.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        _take_back_and_fail(claimed, "defect", f"{type(error).__name__}: see the worker's log.")
        return
    reason = f"{type(error).__name__}: see the worker's log."
    claimed.postpone(_delay_s(attempts), "defect", reason, attempts=attempts)


def _delay_s(times: int) -> float:
    return min(MAX_DELAY_S, 2.0 ** min(times, 10))
