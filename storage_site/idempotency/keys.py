"""Rows of requests with a key: finding, claiming, completing and forgetting them."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection
from django.db.models import BooleanField, ExpressionWrapper, Q

from storage_site.idempotency.errors import KeyReused, StillCarriedOut
from storage_site.idempotency.models import KeyedRequest
from storage_site.operations.clock import in_seconds

LIFETIME_S = 24 * 60 * 60
# The first request's transaction is short; a process that stands still in the middle of one must not hold others up.
PATIENCE_MS = 3000
LOCK_NOT_AVAILABLE = "55P03"
BATCH, BATCHES = 500, 20


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request with a key: where the key counts, what the request says, and which request it is."""

    scope: str
    fingerprint: str
    request_id: str


class AcceptedBefore(Exception):
    """An earlier request with the key has led to something; `row` says to what."""

    def __init__(self, row: KeyedRequest) -> None:
        super().__init__(row.request_id)
        self.row = row


_carried_out: ContextVar[Keyed | None] = ContextVar("keyed request", default=None)


def digest(*parts: Any) -> str:
    """Return what stands for `parts`, in whichever order their members are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def find(keyed: Keyed) -> KeyedRequest | None:
    """Return the row of the key, None where there is none. :raises KeyReused: if it was for another request."""
    is_over = ExpressionWrapper(Q(created_at__lt=in_seconds(-LIFETIME_S)), output_field=BooleanField())
    row = KeyedRequest.objects.filter(scope=keyed.scope).annotate(is_over=is_over).first()
    if row is not None and row.is_over:
        KeyedRequest.objects.filter(scope=row.scope, created_at=row.created_at).delete()
        return None
    if row is not None and row.fingerprint != keyed.fingerprint:
        raise KeyReused
    return row


def claim(keyed: Keyed, resource: str = "") -> KeyedRequest:
    """Return the row of the key: a new one, or that of an earlier request. Inside of the caller's transaction.

    Whoever is being carried out at this moment is waited for. :raises StillCarriedOut: if that takes too long.
    :raises KeyReused: if the key was for another request.
    """
    for _attempt in range(3):
        with _patience():
            KeyedRequest.objects.bulk_create([_row(keyed, resource)], ignore_conflicts=True)
        row = find(keyed)
        if row is not None:
            return row
    raise StillCarriedOut


def _row(keyed: Keyed, resource: str) -> KeyedRequest:
    return KeyedRequest(
        scope=keyed.scope, fingerprint=keyed.fingerprint, request_id=keyed.request_id, resource=resource
    )


@contextmanager
def _patience() -> Iterator[None]:
    """Bound the wait for a row that another transaction is about to write; SQLite's waits are bounded anyway."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(PATIENCE_MS)])
        try:
            yield
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
                raise
            raise StillCarriedOut from error
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def keep(keyed: Keyed, status: int, answer: str) -> None:
    """Complete the row of the key with what was answered."""
    rows = KeyedRequest.objects.filter(scope=keyed.scope, fingerprint=keyed.fingerprint, status=None)
    rows.update(status=status, answer=answer)


@contextmanager
def carrying_out(keyed: Keyed) -> Iterator[None]:
    """Let services know, in this context, that they act for a request with a key."""
    token = _carried_out.set(keyed)
    try:
        yield
    finally:
        _carried_out.reset(token)


def accept(resource: UUID) -> None:
    """Note in the caller's transaction, first of all, that the request is about to lead to `resource`.

    Without a key nothing happens. :raises AcceptedBefore: if an earlier request with the key has led to something.
    :raises StillCarriedOut: if one is about to, and does not come to an end.
    """
    keyed = _carried_out.get()
    if keyed is None:
        return
    row = claim(keyed, str(resource))
    if row.request_id != keyed.request_id:
        raise AcceptedBefore(row)


def forget() -> int:
    """Delete the rows whose day is over, some thousands at a time; return how many."""
    over = KeyedRequest.objects.filter(created_at__lt=in_seconds(-LIFETIME_S)).order_by("created_at")
    forgotten = 0
    for _batch in range(BATCHES):
        scopes = list(over.values_list("scope", flat=True)[:BATCH])
        if scopes:
            forgotten += over.order_by().filter(scope__in=scopes).delete()[0]
        if len(scopes) < BATCH:
            break
    return forgotten
