"""The console's pages about operations and what became of statuses."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations import calling_off, interventions, live
from storage_site.operations.filters import ByFaultCode, ByKind, ByQueue, ByState, ByVerb, ByVerbWithWork
from storage_site.operations.models import Operation, Transition
from storage_site.operations.pages import resource_links
from storage_site.pages import words
from storage_site.pages.buttons import Button, Operable
from storage_site.pages.redaction import censored
from storage_site.pages.rows import Rows, RowsInline, fields_of

MOST_DIGITS = 18  # of a serial


class Reason(forms.Form):
    """Why an operator does it."""

    reason = forms.CharField(max_length=255, widget=forms.TextInput(attrs={"size": 60}))


def _retry(operation: Operation, *, caller: Caller) -> str:
    if interventions.retry_now(operation=operation, caller=caller):
        return f"rung; the next free worker of queue {operation.queue} takes it up."
    return "due now, but the broker does not answer: the sweep rings once it does."


def _call_off(operation: Operation, *, caller: Caller) -> str:
    calling_off.call_off(operation=operation, caller=caller)
    return f"called off.{_what_it_shows(operation, 'is')}"


def _cancel(operation: Operation, *, caller: Caller, reason: str) -> str:
    number = interventions.cancel(operation=operation, caller=caller, reason=reason)
    return f"cancelled ({number} of the resource).{_what_it_shows(operation, 'stays')}"


def _what_it_shows(operation: Operation, verb: str) -> str:
    """Return which status the operation's resource has now."""
    model: Any = apps.get_model(operation.resource_type)
    resource = model._default_manager.filter(pk=operation.resource_id).first()  # noqa: SLF001 - documented API
    return f" The {model._meta.verbose_name} {verb} {resource.status}." if resource else ""  # noqa: SLF001


class TransitionInline(RowsInline):
    """What an operation did to the status of its resource."""

    model = Transition
    fields = readonly_fields = ("at", "verb", "from_status", "to_status", "reason")


class AboutResources(Rows):
    """Rows that name a resource without a foreign key."""

    def prepare(self, rows: Sequence[Any]) -> None:
        """Find the resources' names."""
        links = resource_links(rows)
        for row in rows:
            row.resource_link = links[row.resource_type, row.resource_id]

    @admin.display(description="resource")
    def resource(self, row: Any) -> SafeString:
        """Return a link to the resource, or its id where it has gone."""
        link: SafeString = row.resource_link
        return link


@admin.register(Operation)
class OperationAdmin(Operable, AboutResources):
    """Operations: what is to be done, how far it is, and why it is not done."""

    list_display = ("named", "resource", "state", "age", "reason", "queue")
    list_display_links = ("named",)
    list_filter = (ByState, ByQueue, ByKind, ByVerbWithWork, ByFaultCode)
    id_fields = ("id", "resource_id", "project_id", "actor_id")
    search_fields = ("=request_id", "=queue", "=fault_code")
    search_help_text = "Id of an operation, resource, project or user; or a request id, queue or fault code."
    inlines = (TransitionInline,)
    fieldsets = (
        (None, {"fields": ("resource", "verb", "state", "reason", "fault_code")}),
        ("Asked for", {"fields": ("id", "project_id", "actor_id", "request_id", "created_at", "prior_status")}),
        ("Work", {"fields": ("queue", "task", "not_before", "deadline_at", "started_at", "finished_at", "attempts")}),
        ("Claim", {"fields": ("owner", "lease_until", "fence", "is_exclusive")}),
        ("Progress", {"fields": ("step", "progress", "checkpoint_shown")}),
        ("Details", {"fields": ("arguments_shown", "decision_shown", "exclusions_shown")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(name="retry", label="Retry now", act=_retry, is_offered=lambda row: not row.is_finished),
        Button(
            name="call-off",
            label="Call off",
            act=_call_off,
            warning=(
                "Ends the work as its owner could: the resource is left as after a failure, and what was begun is "
                "cleaned up."
            ),
            is_offered=calling_off.is_cancellable,
            is_dangerous=True,
        ),
        Button(
            name="cancel",
            label="Cancel",
            act=_cancel,
            asks=Reason,
            warning=(
                "Ends all unfinished operations of the resource, whatever their workers are doing. The resource keeps "
                "the status it has now, and the storage what was done on it: reset or delete the resource afterwards."
            ),
            is_offered=lambda row: not row.is_finished,
            is_dangerous=True,
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, and what the script of pages asks for."""
        view = self.admin_site.admin_view(self.progress_view)
        return [path("progress/", view, name="operations_operation_progress"), *super().get_urls()]

    def progress_view(self, request: HttpRequest) -> JsonResponse:
        """Answer how the operations stand whose serials are given as `of`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        serials = [int(text) for text in request.GET.getlist("of") if text.isdecimal() and len(text) <= MOST_DIGITS]
        return JsonResponse({"operations": live.states_of(Operation.objects.filter(pk__in=serials[: live.MOST]))})

    @admin.display(description="operation", ordering="serial")
    def named(self, operation: Operation) -> str:
        """Return what tells operations apart."""
        return f"{operation.serial} {operation.verb}"

    @admin.display(description="state")
    def state(self, operation: Operation) -> SafeString:
        """Return how it stands, as a badge."""
        return live.badge(operation)

    @admin.display(description="reason")
    def reason(self, operation: Operation) -> SafeString:
        """Return how far it is and why it stands so."""
        return format_html("{} {}", live.bar(operation), live.reason(operation))

    @admin.display(description="progress")
    def progress(self, operation: Operation) -> SafeString:
        """Return how far it is."""
        return live.bar(operation)

    @admin.display(description="age", ordering="serial")
    def age(self, operation: Operation) -> SafeString | str:
        """Return how old it is."""
        return words.ago(operation.created_at)

    @admin.display(description="checkpoint")
    def checkpoint_shown(self, operation: Operation) -> SafeString | str:
        """Return what a worker goes on from."""
        return words.as_json(censored(operation.checkpoint))

    @admin.display(description="arguments")
    def arguments_shown(self, operation: Operation) -> SafeString | str:
        """Return what was asked, without secrets."""
        return words.as_json(censored(operation.arguments))

    @admin.display(description="decision")
    def decision_shown(self, operation: Operation) -> SafeString | str:
        """Return what the scheduler answered."""
        return words.as_json(censored(operation.decision))

    @admin.display(description="exclusions")
    def exclusions_shown(self, operation: Operation) -> SafeString | str:
        """Return the back-ends that could not do it, and why not."""
        return words.members(operation.exclusions)


@admin.register(Transition)
class TransitionAdmin(AboutResources):
    """The history of statuses."""

    list_display = ("moment", "resource", "verb", "change", "caused_by", "actor", "reason")
    list_display_links = ("moment",)
    list_filter = (ByKind, ByVerb)
    list_select_related = ("operation",)
    id_fields = ("resource_id", "actor_id")
    search_fields = ("=request_id", "=to_status", "=from_status")
    search_help_text = "Id of a resource or user; or a request id or status."
    fields = readonly_fields = (
        "at", "resource", "verb", "from_status", "to_status", "reason", "caused_by", "actor_id", "request_id",
    )  # fmt: skip

    @admin.display(description="when", ordering="id")
    def moment(self, transition: Transition) -> SafeString | str:
        """Return when it was."""
        return words.ago(transition.at)

    @admin.display(description="status")
    def change(self, transition: Transition) -> SafeString:
        """Return the statuses before and after."""
        before, after = transition.from_status, transition.to_status
        return words.arrow(words.badge(before), words.badge(after, words.tone_of_status(after)))

    @admin.display(description="by")
    def actor(self, transition: Transition) -> SafeString | str:
        """Return who asked for it."""
        return words.short_id(transition.actor_id)

    @admin.display(description="operation")
    def caused_by(self, transition: Transition) -> SafeString | str:
        """Return a link to the operation that did it."""
        if transition.operation is None:
            return words.NOTHING
        url = reverse("admin:operations_operation_change", args=[transition.operation.pk])
        return words.link(url, transition.operation.pk)
