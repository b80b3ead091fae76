"""Canaries: beat sends one to every queue, a worker answers, and whoever asks is told when and how fast."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from storage_site import queues
from storage_site.caller import SYSTEM
from storage_site.errors import StateConflict
from storage_site.operations.admission import begin
from storage_site.operations.clock import in_seconds
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from storage_site.watching.lifecycle import READY
from storage_site.watching.models import Canary

_NAMES = uuid.UUID("6c6e7f2a-4a52-5d8f-8f3c-63616e617279")  # one id for each queue, whoever makes its row


@dataclass(frozen=True, slots=True)
class Told:
    """How a queue's canaries do, by the database's clock.

    `waiting_s` is how long one has been waiting for its answer now, None while none is; the others tell of the last
    one that was answered, None where none ever was.
    """

    queue: str
    ended_at: datetime | None
    age_s: float | None
    took_s: float | None
    waiting_s: float | None
    node_host: str
    clock_ahead_s: float | None


def known_queues() -> list[str]:
    """Return the queues of this deployment, as its settings name them."""
    return [queues.SCHEDULER, queues.BACKUP, *map(queues.of_backend, settings.STORAGE_BACKENDS)]


def send() -> int:
    """Give each queue its canary, unless one is under way or was sent a moment ago; return how many were sent.

    What the last one left behind is removed. Safe to run in several processes at once.
    """
    known = known_queues()
    Canary.objects.exclude(queue__in=known).delete()
    have = set(Canary.objects.values_list("queue", flat=True))
    missing = [Canary(id=_id_of(queue), queue=queue, status=READY) for queue in known if queue not in have]
    Canary.objects.bulk_create(missing, ignore_conflicts=True)
    prune()
    sent = 0
    for canary in Canary.objects.filter(queue__in=known).order_by("queue"):
        sent += _send(canary)
    return sent


def prune() -> int:
    """Remove the canaries' operations that have ended; return how many."""
    rows = Operation.objects.filter(resource_type=label_of(Canary)).exclude(outcome="")
    return rows.filter(resource_id__in=map(_id_of, known_queues())).delete()[0]


def _id_of(queue: str) -> uuid.UUID:
    return uuid.uuid5(_NAMES, queue)


def _send(canary: Canary) -> bool:
    recent = in_seconds(-settings.CANARY_INTERVAL_S / 2)
    try:
        with transaction.atomic():
            is_time = Q(asked_at=None) | Q(asked_at__lt=recent)
            begin(canary, "sing", caller=SYSTEM, guard=is_time, fields={"asked_at": Now()})
    except StateConflict:
        return False
    return True


def told(names: Iterable[str] | None = None) -> list[Told]:
    """Return how the canaries of the queues do, of all known ones where none are named; two queries."""
    wanted = known_queues() if names is None else list(names)
    rows = {row.queue: row for row in Canary.objects.filter(queue__in=wanted).annotate(now=Now())}
    ids = {row.pk: row.queue for row in rows.values()}
    waiting = Operation.objects.filter(resource_type=label_of(Canary), resource_id__in=ids, outcome="")
    under_way = {ids[pk] for pk in waiting.values_list("resource_id", flat=True)}
    return [_told(queue, rows.get(queue), is_waiting=queue in under_way) for queue in wanted]


def _told(queue: str, row: Canary | None, *, is_waiting: bool) -> Told:
    if row is None:
        return Told(queue, None, None, None, None, "", None)
    now: datetime = row.now  # type: ignore[attr-defined] # annotated
    return Told(
        queue=queue,
        ended_at=row.ended_at,
        age_s=(now - row.ended_at).total_seconds() if row.ended_at else None,
        took_s=row.took_ms / 1000 if row.took_ms is not None else None,
        waiting_s=(now - row.asked_at).total_seconds() if is_waiting and row.asked_at else None,
        node_host=row.node_host,
        clock_ahead_s=row.clock_ahead_ms / 1000 if row.clock_ahead_ms is not None else None,
    )
