"""Pages of resources: the status as a badge, what is being done about the row, and all that ever was."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from storage_site.operations import live
from storage_site.operations.calling_off import is_cancellable
from storage_site.operations.history import label_of
from storage_site.operations.lifecycle import Lifecycle
from storage_site.operations.models import Operation, Transition
from storage_site.pages import words
from storage_site.pages.buttons import Operable
from storage_site.pages.filters import KnownValues
from storage_site.pages.rows import Rows

SHOWN = 50  # of a resource's operations and transitions on its page
NAME_CHARS = 40
RECENT = 2000  # operations whose faults are offered as filters


class ResourceRows(Operable, Rows):
    """Pages of a kind of resource."""

    change_form_template = "admin/resource.html"
    ordering = ("-created_at", "-id")

    def prepare(self, rows: Sequence[Any]) -> None:
        """Find for each row the operation that explains its status."""
        telling = _telling(self.model, rows)
        for row in rows:
            row.telling = telling.get(row.pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return a row's page, with its history."""
        row = kwargs.get("obj")
        if row is not None:
            context["operations"] = operations_of(row)
            context["may_operate"] = self.has_operate_permission(request)
            context["transitions"] = Transition.objects.filter(_about(self.model, [row.pk]))[:SHOWN]
            context["shown"] = SHOWN
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="status", ordering="status")
    def state(self, row: Any) -> SafeString:
        """Return the status as a badge."""
        return words.badge(row.status, words.tone_of_status(row.status))

    @admin.display(description="work")
    def work(self, row: Any) -> SafeString | str:
        """Return what is being done, or why it could not be done."""
        operation = row.telling
        return words.NOTHING if operation is None else described(operation)

    @admin.display(description="age", ordering="created_at")
    def age(self, row: Any) -> SafeString | str:
        """Return how old the row is."""
        return words.ago(row.created_at)


class ByFault(KnownValues):
    """Resources with an operation that failed, or waits, for this reason."""

    title = parameter_name = "fault"

    def values(self) -> Iterable[str]:
        """Return the faults there were of late."""
        return recent_faults()

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Return the rows chosen."""
        if self.value() is None:
            return queryset
        label = label_of(queryset.model)
        about = Operation.objects.filter(resource_type=label, resource_id=OuterRef("pk"), fault_code=self.value())
        return queryset.filter(Exists(about.exclude(outcome=Operation.SUCCEEDED)))


def statuses_of(lifecycle: Lifecycle) -> list[str]:
    """Return the statuses that the table speaks of."""
    spoken: set[str] = set()
    for verb in lifecycle:
        spoken |= {verb.during, verb.after, verb.on_error, *verb.admits}
    return sorted(status for status in spoken if not status.startswith("("))


def recent_faults() -> list[str]:
    """Return the fault codes among the latest operations."""
    latest = Operation.objects.aggregate(serial=Max("serial"))["serial"] or 0
    rows = Operation.objects.filter(serial__gt=latest - RECENT).exclude(fault_code="").order_by("fault_code")
    return list(rows.values_list("fault_code", flat=True).distinct())


def described(operation: Operation) -> SafeString:
    """Return how an operation stands, how far it is and why, with a link to it; the console's script renews it."""
    url = reverse("admin:operations_operation_change", args=[operation.pk])
    parts = (live.badge(operation), live.bar(operation), live.reason(operation))
    return format_html('<a href="{}">{}</a> {} {} {}', url, operation.verb, *parts)


def operations_of(row: Any) -> list[Operation]:
    """Return a resource's latest operations, each with whether it `.may_be_called_off`."""
    found: list[Any] = list(Operation.objects.filter(_about(type(row), [row.pk]))[:SHOWN])
    for operation in found:
        operation.may_be_called_off = is_cancellable(operation)
    return found


def resource_links(rows: Iterable[Operation | Transition]) -> Mapping[tuple[str, UUID], SafeString]:
    """Return a link to the resource of each row, by its type and id; one query for each type."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        wanted[row.resource_type].add(row.resource_id)
    return {(label, pk): link for label, ids in wanted.items() for pk, link in _links(label, ids).items()}


def _links(label: str, ids: set[UUID]) -> dict[UUID, SafeString]:
    try:
        model = apps.get_model(label)
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"  # noqa: SLF001 - documented API
        there = model._default_manager.in_bulk(ids)  # noqa: SLF001 - Django's documented API
        kind = model._meta.verbose_name  # noqa: SLF001 - Django's documented API
        found = {
            pk: format_html('{} <a href="{}">{}</a>', kind, reverse(page, args=[pk]), Truncator(row).chars(NAME_CHARS))
            for pk, row in there.items()
        }
    except (LookupError, NoReverseMatch):
        kind, found = label, {}
    gone = {pk: format_html('{} <code>{}</code> <span class="quiet">(gone)</span>', kind, pk) for pk in ids}
    return gone | found


def _about(model: type[Any], ids: Iterable[UUID]) -> Q:
    return Q(resource_type=label_of(model), resource_id__in=list(ids))


def _telling(model: type[Any], rows: Sequence[Any]) -> dict[UUID, Operation]:
    """Return for each row the unfinished operation; for one in error the failure; the latest where there are more."""
    broken = [row.pk for row in rows if row.status.startswith("error")]
    tells = Q(outcome="") | Q(outcome=Operation.FAILED, resource_id__in=broken)
    found = Operation.objects.filter(_about(model, [row.pk for row in rows]), tells)
    return {operation.resource_id: operation for operation in found.order_by("serial")}
