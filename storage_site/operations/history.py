"""Writing down each edge that a status takes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from storage_site.caller import Caller
from storage_site.operations.models import Operation, Transition
from storage_site.operations.resources import Resource

logger = logging.getLogger(__name__)

_gathered: ContextVar[list[Transition] | None] = ContextVar("gathered", default=None)


def label_of(resource: Resource | type[Resource]) -> str:
    """Return the name under which operations and transitions know this kind of resource."""
    return resource._meta.label_lower  # noqa: SLF001 - Django's documented API


@contextmanager
def written_together() -> Iterator[None]:
    """Write the edges of the block in one statement at its end, none if it fails: for what moves several resources.

    The block is part of a transaction, which the failure must roll back.
    """
    edges: list[Transition] = []
    before = _gathered.set(edges)
    try:
        yield
    finally:
        _gathered.reset(before)
    Transition.objects.bulk_create(edges)


def record(
    resource: Resource,
    verb: str,
    from_status: str,
    to_status: str,
    *,
    caller: Caller | None = None,
    operation: Operation | None = None,
    reason: str = "",
) -> None:
    """Add the edge to the history, unless the status stayed as it was."""
    if from_status == to_status:
        return
    logger.info(
        "%s %s → %s",
        verb,
        from_status,
        to_status,
        extra={"resource": f"{label_of(resource)}/{resource.pk}", "actor": caller.user_id if caller else ""},
    )
    edge = Transition(
        resource_type=label_of(resource),
        resource_id=resource.pk,
        verb=verb,
        from_status=from_status,
        to_status=to_status,
        operation=operation,
        actor_id=caller.user_id if caller else (operation.actor_id if operation else ""),
        request_id=caller.request_id if caller else (operation.request_id if operation else ""),
        reason=reason,
    )
    gathered = _gathered.get()
    if gathered is None:
        edge.save(force_insert=True)
    else:
        gathered.append(edge)
