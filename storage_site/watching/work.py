"""Metrics of the work: what has ended, what goes on, what waits, who lives."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client.core import Metric

from storage_site import queues
from storage_site.operations import doorbell
from storage_site.operations.heartbeat import BACKUP, SCHEDULER, is_up
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation, Service
from storage_site.operations.standing import LOST, OVERDUE, POSTPONED, RUNNING, WAITING, condition
from storage_site.watching import canaries, tally
from storage_site.watching.metrics import counter, gauge
from storage_site.watching.models import Canary

STANDINGS = (WAITING, POSTPONED, OVERDUE, RUNNING, LOST)


def ended() -> Iterator[Metric]:
    """Tell which operations have ended since counting began."""
    kinds = ["resource", "verb", "outcome"]
    number = counter("operations", "Operations that have ended.", kinds)
    seconds = counter("operation_seconds", "Time from acceptance to end of those that have ended.", kinds)
    for kind, found in tally.ended():
        number.add_metric(kind, found.number)
        seconds.add_metric(kind, found.seconds)
    yield from (number, seconds)


def unfinished() -> Iterator[Metric]:
    """Tell which operations go on or wait, and for how long; one query, by the index of the unfinished."""
    now = timezone.now()
    rows = _unfinished(now)
    number = gauge(
        "operations_unfinished", "Operations that have not ended.", ["queue", "resource", "verb", "standing"]
    )
    oldest = gauge(
        "operations_unfinished_oldest_seconds",
        "Since when the oldest operation goes on, and its resource has the status that it has meanwhile.",
        ["queue", "resource", "verb", "status"],
    )
    for row in rows:
        resource = row["resource_type"].rpartition(".")[2]
        for standing in STANDINGS:
            number.add_metric([row["queue"], resource, row["verb"], standing], row[standing])
        labels = [row["queue"], resource, row["verb"], _status(row["resource_type"], row["verb"])]
        oldest.add_metric(labels, _s(now, row["oldest"]))
    yield from (number, oldest, *_by_queue(now, rows))


def _unfinished(now: datetime) -> Sequence[dict[str, Any]]:
    rows: Any = Operation.objects.filter(outcome="").exclude(resource_type=label_of(Canary)).order_by()
    free = Q(owner="", not_before__lte=now)
    return list(
        rows.values("queue", "resource_type", "verb").annotate(
            **{standing: Count("pk", filter=condition(standing, now)) for standing in STANDINGS},
            oldest=Min("created_at"),
            due=Count("pk", filter=free),
            due_since=Min("not_before", filter=free),
            lease_until=Min("lease_until"),
        )
    )


def _by_queue(now: datetime, rows: Sequence[dict[str, Any]]) -> Iterator[Metric]:
    due = gauge("queue_due", "Operations that are due and that no worker has taken.", ["queue"])
    waits = gauge("queue_oldest_due_seconds", "For how long the oldest of them is due.", ["queue"])
    lease = gauge(
        "queue_lease_age_seconds", "How long ago the lease was renewed that has not been for longest.", ["queue"]
    )
    for queue in [*_known(), *sorted({row["queue"] for row in rows} - {*_known()})]:
        mine = [row for row in rows if row["queue"] == queue]
        due.add_metric([queue], sum(row["due"] for row in mine))
        waits.add_metric([queue], max((_s(now, row["due_since"]) for row in mine), default=0.0))
        leases = [row["lease_until"] for row in mine if row["lease_until"]]
        renewed = [it - timedelta(seconds=settings.LEASE_S) for it in leases]
        lease.add_metric([queue], max((_s(now, it) for it in renewed), default=0.0))
    yield from (due, waits, lease)


def bells() -> Iterator[Metric]:
    """Tell how many bells the broker holds. Nothing is told of a broker that does not answer, but that."""
    answers = gauge("broker_answers", "Whether the broker answers.")
    depth = gauge("queue_bells", "Messages that wait in the queue.", ["queue"])
    try:
        for queue in _known():
            depth.add_metric([queue], doorbell.depth(queue))
    except (BrokerError, OSError):
        answers.add_metric([], 0)
        yield answers
        return
    answers.add_metric([], 1)
    yield from (answers, depth)


def workers() -> Iterator[Metric]:
    """Tell which kinds of workers live."""
    now = timezone.now()
    alive = gauge(
        "workers_alive", "Hosts with a living worker of this queue; for a back-end, whether one lives.", ["queue"]
    )
    seen = gauge("worker_seen_seconds", "How long ago a worker of this queue was seen on this host.", ["queue", "host"])
    living = dict.fromkeys(_known(), 0)
    for service in Service.objects.all():
        queue = queue_of(service)
        living[queue] = living.get(queue, 0) + is_up(service)
        seen.add_metric([queue, service.node_host], _s(now, service.last_seen_at))
    for queue, number in living.items():
        alive.add_metric([queue], number)
    yield from (alive, seen)


def birds() -> Iterator[Metric]:
    """Tell how the canary of each queue does."""
    age = gauge("canary_age_seconds", "How long ago the queue's last canary was answered.", ["queue"])
    took = gauge("canary_took_seconds", "How long that took, from its acceptance.", ["queue"])
    waits = gauge("canary_waiting_seconds", "For how long one waits for its answer now; 0 where none does.", ["queue"])
    ahead = gauge("worker_clock_ahead_seconds", "The answering worker's clock less the database's.", ["queue"])
    for told in canaries.told():
        waits.add_metric([told.queue], told.waiting_s or 0.0)
        for family, found in ((age, told.age_s), (took, told.took_s), (ahead, told.clock_ahead_s)):
            if found is not None:
                family.add_metric([told.queue], found)
    yield from (age, took, waits, ahead)


def _known() -> list[str]:
    return canaries.known_queues()


def queue_of(service: Service) -> str:
    """Return the queue that the service consumes."""
    known = {SCHEDULER: queues.SCHEDULER, BACKUP: queues.BACKUP}
    return known.get(service.binary) or queues.of_backend(service.backend)


def _status(label: str, verb: str) -> str:
    """Return the status that a resource has during the verb; "" where it keeps its own."""
    try:
        during = str(apps.get_model(label).lifecycle[verb].during)
    except (LookupError, AttributeError):
        return ""
    return "" if during.startswith("(") else during


def _s(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
