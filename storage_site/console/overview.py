"""How the service is at this moment, in a handful of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, QuerySet, Sum
from django.utils import timezone

from scheduling import enquiry
from scheduling.capacity import number
from storage_site import queues
from storage_site.errors import Unavailable
from storage_site.operations.heartbeat import VOLUME, host_of, is_up
from storage_site.operations.models import Operation, Service
from storage_site.operations.pages import resource_links
from storage_site.operations.standing import (
    LOST,
    OVERDUE,
    POSTPONED,
    RUNNING,
    WAITING,
    condition,
    failed_since,
    is_troubled,
)
from storage_site.pages import words
from volumes.models import Volume

SHOWN = 15  # operations of each kind of trouble
SCHEDULER_PATIENCE_S = 0.5


@dataclass(slots=True)
class Line:
    """A service, or a back-end of the settings that nobody has served yet."""

    name: str
    service: Service | None = None
    backend: str = ""
    is_up: bool = False
    volumes: int = 0
    size_gib: int = 0
    free_gib: float | None = None
    total_gib: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """How many volumes are in a status."""

    word: str
    number: int

    @property
    def tone(self) -> str:
        """Return the tone of its badge."""
        return words.tone_of_status(self.word)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Operations to look at: the latest of them, and whether there are more."""

    operations: list[Operation] = field(default_factory=list)
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page shows."""

    at: datetime
    services: Sequence[Line]
    capacity_note: str
    queues: Sequence[Mapping[str, Any]]
    stuck: Trouble
    failed: Trouble
    statuses: Sequence[Status]
    silent: int
    unfinished: int
    volumes: int


def now() -> Overview:
    """Return the state of the service. Waits briefly for a scheduler that does not answer."""
    moment = timezone.now()
    volumes = list(Volume.objects.values("backend", "status").order_by().annotate(n=Count("pk"), gib=Sum("size_gib")))
    waiting = _by_queue(moment)
    services, note = _services(volumes)
    stuck, failed = _trouble(stuck_at(moment)), _trouble(failed_within_a_day_of(moment))
    links = resource_links([*stuck.operations, *failed.operations])
    for operation in (*stuck.operations, *failed.operations):
        operation.resource_link = links[operation.resource_type, operation.resource_id]
    return Overview(
        at=moment,
        services=services,
        capacity_note=note,
        queues=waiting,
        stuck=stuck,
        failed=failed,
        statuses=_statuses(volumes),
        silent=sum(not line.is_up for line in services),
        unfinished=sum(row["all"] for row in waiting),
        volumes=sum(row["n"] for row in volumes),
    )


def stuck_at(moment: datetime) -> "QuerySet[Operation]":
    """Return the unfinished operations in trouble, those due longest first; an index of the unfinished finds them."""
    return Operation.objects.filter(is_troubled(moment)).order_by("not_before")


def failed_within_a_day_of(moment: datetime) -> "QuerySet[Operation]":
    """Return the operations that failed within the last day, the latest first; an index of the failed finds them."""
    return Operation.objects.filter(failed_since(moment - timedelta(days=1))).order_by("-finished_at")


def _by_queue(moment: datetime) -> list[Mapping[str, Any]]:
    """Return how many unfinished operations each queue has, by how they stand."""
    counts = {word: Count("pk", filter=condition(word, moment)) for word in (WAITING, POSTPONED, RUNNING)}
    silent = condition(LOST, moment) | condition(OVERDUE, moment)
    rows = Operation.objects.filter(outcome="").values("queue").order_by("queue")
    found = {
        row["queue"]: row
        for row in rows.annotate(**counts, stuck=Count("pk", filter=silent), all=Count("pk"), oldest=Min("created_at"))
    }
    known = [queues.SCHEDULER, queues.BACKUP, *map(queues.of_backend, settings.STORAGE_BACKENDS)]
    return [found.get(queue) or {"queue": queue, "all": 0} for queue in [*known, *sorted(set(found) - set(known))]]


def _services(volumes: Sequence[Mapping[str, Any]]) -> tuple[list[Line], str]:
    """Return a line for each service and back-end, and why the free space is not known, if it is not."""
    lines = [
        Line(name=service.host, service=service, backend=service.backend, is_up=is_up(service))
        for service in Service.objects.all()
    ]
    served = {line.backend for line in lines}
    held = {row["backend"] for row in volumes} - {""}
    lines += [Line(name=host_of(key), backend=key) for key in sorted({*settings.STORAGE_BACKENDS, *held} - served)]
    of_backend = {line.backend: line for line in lines if line.backend}
    for row in volumes:
        line = of_backend.get(row["backend"])
        if line is not None:
            line.volumes += row["n"]
            line.size_gib += row["gib"]
    lines.sort(key=lambda line: (not line.backend, line.service.binary if line.service else VOLUME, line.name))
    return lines, _add_capacity(of_backend)


def _add_capacity(of_backend: Mapping[str, Line]) -> str:
    """Write down what a scheduler knows of the pools; return why not, if none answers."""
    try:
        pools = enquiry.known_pools(SCHEDULER_PATIENCE_S)
    except Unavailable as error:
        return error.message
    for pool in pools:
        line = of_backend.get(pool.backend)
        if line is not None:
            line.free_gib = _sum(line.free_gib, pool.capabilities.get("free_capacity_gb"))
            line.total_gib = _sum(line.total_gib, pool.capabilities.get("total_capacity_gb"))
    return ""


def _sum(so_far: float | None, reported: object) -> float | None:
    more = number(reported)
    return so_far if more is None else (so_far or 0) + more


def _trouble(operations: "QuerySet[Operation]") -> Trouble:
    found = list(operations[: SHOWN + 1])
    return Trouble(found[:SHOWN], has_more=len(found) > SHOWN)


def _statuses(volumes: Sequence[Mapping[str, Any]]) -> list[Status]:
    numbers: dict[str, int] = {}
    for row in volumes:
        numbers[row["status"]] = numbers.get(row["status"], 0) + row["n"]
    return [Status(word, number) for word, number in sorted(numbers.items())]
