"""Giving a resource the status that its lifecycle table names; the only place where work writes a status."""

from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from storage_site.caller import Caller
from storage_site.operations.history import record
from storage_site.operations.lifecycle import BACK, GIVEN, GONE, KEEP
from storage_site.operations.models import Operation
from storage_site.operations.resources import Resource


def project(
    operation: Operation,
    resource: Resource,
    target: str,
    fields: dict[str, Any],
    *,
    reason: str = "",
    caller: Caller | None = None,
) -> None:
    """Give the resource, which is locked, the status `target` and the `fields`, and record the edge.

    `caller` is who ended the operation, where that was neither its worker nor who asked for it.
    """
    verb, current = operation.verb, resource.status
    rows = type(resource)._default_manager.filter(pk=resource.pk)  # noqa: SLF001 - Django's documented API
    if target == GONE:
        record(resource, verb, current, GONE, operation=operation, caller=caller)
        rows.delete()
        return
    status = current if target in {KEEP, GIVEN} else target
    if target == BACK:
        status = operation.prior_status
    rows.update(status=status, updated_at=timezone.now(), **fields)
    record(resource, verb, current, status, operation=operation, caller=caller, reason=reason)


def project_failure(operation: Operation, resource: Resource, reason: str, *, caller: Caller | None = None) -> None:
    """Give the resource, which is locked, what its table names for failure, and do what belongs to that."""
    verb = resource.lifecycle[operation.verb]
    project(operation, resource, verb.on_error, {}, reason=reason, caller=caller)
    if verb.on_error_also:
        import_string(verb.on_error_also)(resource)
