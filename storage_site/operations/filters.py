"""Filters of the console's lists of operations and transitions."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from storage_site import queues
from storage_site.operations.lifecycle import Verb
from storage_site.operations.models import Operation
from storage_site.operations.pages import recent_faults
from storage_site.operations.resources import Resource
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
from storage_site.pages.filters import KnownValues


class ByState(KnownValues):
    """Operations that stand in a certain way."""

    title = parameter_name = "state"
    TROUBLED, FAILED_TODAY, UNFINISHED = "troubled", "failed-today", "unfinished"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        standings = (WAITING, POSTPONED, RUNNING, LOST, OVERDUE)
        outcomes = (Operation.SUCCEEDED, Operation.FAILED, Operation.CANCELLED)
        return [
            (self.UNFINISHED, "unfinished"),
            (self.TROUBLED, "unfinished and in trouble"),
            (self.FAILED_TODAY, "failed within a day"),
            *((word, word) for word in (*standings, *outcomes)),
        ]

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[Operation]") -> "QuerySet[Operation]":
        """Return the operations chosen."""
        now, chosen = timezone.now(), self.value()
        if chosen is None:
            return queryset
        special = {self.TROUBLED: is_troubled(now), self.FAILED_TODAY: failed_since(now - timedelta(days=1))}
        word = "" if chosen == self.UNFINISHED else str(chosen)
        return queryset.filter(special.get(word) or condition(word, now))


class ByQueue(KnownValues):
    """Operations of one queue."""

    title = parameter_name = field = "queue"

    def values(self) -> Iterable[str]:
        """Return the queues of the settings."""
        return [queues.SCHEDULER, queues.BACKUP, *map(queues.of_backend, settings.STORAGE_BACKENDS)]


class ByKind(KnownValues):
    """Rows about one kind of resource."""

    title, parameter_name, field = "resource", "kind", "resource_type"

    def values(self) -> Iterable[str]:
        """Return the kinds there are."""
        return [model._meta.label_lower for model in _kinds()]  # noqa: SLF001 - Django's documented API


class ByVerb(KnownValues):
    """Rows about one verb."""

    title = parameter_name = field = "verb"

    def values(self) -> Iterable[str]:
        """Return the verbs of all lifecycle tables."""
        return sorted({verb.name for verb in _verbs()})


class ByVerbWithWork(ByVerb):
    """Operations that carry out one verb."""

    def values(self) -> Iterable[str]:
        """Return the verbs that there are operations for."""
        return sorted({verb.name for verb in _verbs() if not verb.is_instant})


class ByFaultCode(KnownValues):
    """Operations with one fault."""

    title, parameter_name, field = "fault", "fault", "fault_code"

    def values(self) -> Iterable[str]:
        """Return the faults there were of late."""
        return recent_faults()


def _kinds() -> list[Any]:
    return [model for model in apps.get_models() if issubclass(model, Resource)]


def _verbs() -> Iterator[Verb]:
    return (verb for model in _kinds() for verb in model.lifecycle)
