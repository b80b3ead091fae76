"""Beginning a verb: guard, status, operation and history in the caller's one transaction, then the bell."""

from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from storage_site.caller import Caller
from storage_site.errors import NotFound, StateConflict, StorageError
from storage_site.operations import doorbell
from storage_site.operations.clock import in_seconds
from storage_site.operations.history import label_of, record
from storage_site.operations.lifecycle import BACK, GIVEN, GONE, KEEP, NEW, Verb
from storage_site.operations.models import Operation
from storage_site.operations.resources import Resource

R = TypeVar("R", bound=Resource)


def lock(resource: R) -> R:
    """Lock the resource until the transaction ends and return it as it is now.

    For what is decided by more than its own row. :raises NotFound: if it has gone since it was read.
    """
    _require_transaction()
    found = type(resource).locked(resource.pk)
    if found is None:
        raise _gone(resource)
    return found


def begin(
    resource: Resource,
    verb_name: str,
    *,
    caller: Caller,
    arguments: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    guard: Q | None = None,
    refusal: StorageError | None = None,
) -> Operation:
    """Accept work on `resource`: move it to the verb's status, record the operation, ring after commit.

    `fields` are written together with the status; `guard` must hold in the same UPDATE. An unsaved resource
    is inserted. Call it inside the service's transaction, which a refusal must roll back.

    :raises StorageError: `refusal`, or StateConflict, if the status does not admit the verb, the guard does
        not hold, or another exclusive operation is unfinished.
    """
    _require_transaction()
    verb = resource.lifecycle[verb_name]
    refused = refusal or _refusal(resource, verb)
    prior = _enter(resource, verb, verb.during, fields or {}, guard=guard, refused=refused)
    if verb.queue is None:
        raise TypeError(f"{verb.name} has no work to begin: use move()")
    operation = Operation(
        resource_type=label_of(resource),
        resource_id=resource.pk,
        project_id=resource.project_id,
        verb=verb.name,
        is_exclusive=verb.exclusive,
        arguments=arguments or {},
        prior_status="" if prior == NEW else prior,
        task=verb.task,
        queue=verb.queue(resource),
        deadline_at=in_seconds(verb.deadline_s),
        actor_id=caller.user_id,
        request_id=caller.request_id,
    )
    try:
        operation.save(force_insert=True)
    except IntegrityError as error:
        raise refused from error
    record(resource, verb.name, prior, resource.status, caller=caller, operation=operation)
    doorbell.ring_after_commit(operation)
    return operation


def move(
    resource: Resource,
    verb_name: str,
    *,
    caller: Caller,
    to: str | None = None,
    fields: dict[str, Any] | None = None,
    guard: Q | None = None,
    refusal: StorageError | None = None,
    reason: str = "",
) -> None:
    """Carry out an instant verb: change the status, and nothing but the record.

    `to` is the new status where the table says that the caller gives it. :raises StorageError: as begin().
    """
    _require_transaction()
    verb = resource.lifecycle[verb_name]
    target = to if verb.after == GIVEN else verb.after
    if target is None or not verb.is_instant:
        raise TypeError(f"{verb.name} is not an instant verb with a known target")
    prior = _enter(resource, verb, target, fields or {}, guard=guard, refused=refusal or _refusal(resource, verb))
    record(resource, verb.name, prior, GONE if target == GONE else resource.status, caller=caller, reason=reason)


def unfinished(resource: Resource) -> Operation | None:
    """Return the exclusive operation that is going on for `resource`, if there is one."""
    rows = Operation.objects.filter(resource_type=label_of(resource), resource_id=resource.pk, outcome="")
    return rows.filter(is_exclusive=True).first()


def cancel_unfinished(resource: Resource, reason: str) -> int:
    """End all unfinished operations of `resource`; workers on them find their claim lost.

    The status stays as it is; what else took part in the work is let go as if it had failed.
    """
    rows = Operation.objects.filter(resource_type=label_of(resource), resource_id=resource.pk, outcome="")
    verbs = list(rows.values_list("verb", flat=True))
    ended = rows.update(**cancelled(reason))
    functions = {resource.lifecycle[name].on_error_also for name in verbs} - {""}
    found = type(resource)._default_manager.filter(pk=resource.pk).first() if functions else None  # noqa: SLF001
    for function in sorted(functions) if found is not None else ():
        import_string(function)(found)
    return ended


def cancelled(reason: str) -> dict[str, Any]:
    """Return what is written to an operation that ends without effect."""
    return {
        "outcome": Operation.CANCELLED,
        "owner": "",
        "lease_until": None,
        "finished_at": timezone.now(),
        "bytes_per_s": 0,
        "seconds_left": None,
        "fault_code": "cancelled",
        "fault_detail": reason,
    }


def poke(operation: Operation) -> bool:
    """Have an operation that was put off taken up at once, ringing after commit; tell whether nobody is on it.

    For a request that joins work which waits for its next try.
    """
    free = Operation.objects.filter(Q(owner="") | Q(lease_until__lt=Now()), pk=operation.pk, outcome="")
    free.filter(not_before__gt=Now()).update(not_before=Now())
    is_free = free.exists()
    if is_free:
        doorbell.ring_after_commit(operation)
    return is_free


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a verb begins inside the transaction of the service that asks for it")


def _refusal(resource: Resource, verb: Verb) -> StateConflict:
    kind = resource._meta.verbose_name  # noqa: SLF001 - Django's documented API
    return StateConflict(f"Invalid {kind}: cannot {verb.name.replace('_', ' ')} while status is {resource.status}.")


def _gone(resource: Resource) -> NotFound:
    kind = str(resource._meta.verbose_name)  # noqa: SLF001 - Django's documented API
    return NotFound(f"{kind.capitalize()} {resource.pk} could not be found.")


def _enter(
    resource: Resource, verb: Verb, target: str, fields: dict[str, Any], *, guard: Q | None, refused: StorageError
) -> str:
    """Move by compare-and-set; return the prior status."""
    if resource._state.adding:  # noqa: SLF001 - Django's documented API
        return _insert(resource, verb, target, fields, refused)
    for attempt in ("as read", "as it is now"):
        if attempt == "as it is now":
            _read_status_again(resource)
        if verb.is_admitted_in(resource.status) and _compare_and_set(resource, target, fields, guard):
            prior, resource.status = resource.status, _target(target, resource.status)
            for name, value in fields.items():
                setattr(resource, name, value)
            return prior
    raise refused


def _read_status_again(resource: Resource) -> None:
    try:
        resource.refresh_from_db(fields=["status"])
    except ObjectDoesNotExist:
        raise _gone(resource) from None


def _insert(resource: Resource, verb: Verb, target: str, fields: dict[str, Any], refused: StorageError) -> str:
    if not verb.is_admitted_in(NEW):
        raise refused
    resource.status = target
    for name, value in fields.items():
        setattr(resource, name, value)
    resource.save(force_insert=True)
    return NEW


def _target(target: str, current: str) -> str:
    return current if target in {KEEP, BACK, GONE} else target


def _compare_and_set(resource: Resource, target: str, fields: dict[str, Any], guard: Q | None) -> bool:
    rows = type(resource)._default_manager.filter(pk=resource.pk, status=resource.status)  # noqa: SLF001
    if guard is not None:
        rows = rows.filter(guard)
    if target == GONE:
        return bool(rows.delete()[0])
    return bool(rows.update(status=_target(target, resource.status), updated_at=timezone.now(), **fields))
