"""The console's pages about the services that do the work."""

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations.heartbeat import is_up
from storage_site.operations.models import Service
from storage_site.pages import words
from storage_site.pages.buttons import Button, Operable
from storage_site.pages.filters import TrueOrFalse
from storage_site.pages.rows import Rows, fields_of
from volumes.services import workers as services


class ReasonForm(forms.Form):
    """Why a service is to rest."""

    reason = forms.CharField(max_length=255, widget=forms.TextInput(attrs={"size": 60}))


def _enable(service: Service, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.set_enabled(host=service.host, binary=service.binary, is_enabled=True)
    return "takes new work again."


def _disable(service: Service, *, caller: Caller, reason: str) -> str:  # noqa: ARG001 - likewise
    services.set_enabled(host=service.host, binary=service.binary, is_enabled=False, reason=reason)
    return "gets no new volumes from now on."


class ByNewWork(TrueOrFalse):
    """Services that take new work, or rest."""

    title, parameter_name, field = "new work", "work", "is_disabled"
    if_true, if_false = "disabled", "enabled"


@admin.register(Service)
class ServiceAdmin(Operable, Rows):
    """Services: who lives, and who takes new work."""

    list_display = ("named", "state", "work", "zone", "node_host", "seen")
    list_display_links = ("named",)
    list_filter = (ByNewWork, "binary")
    id_fields = ("uuid",)
    search_fields = ("host", "node_host", "backend")
    search_help_text = "A host, a back-end, or a part of its name."
    fieldsets = (
        (None, {"fields": ("host", "binary", "backend", "uuid", "state", "seen", "node_host", "zone", "created_at")}),
        ("New work", {"fields": ("work", "is_frozen")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(name="enable", label="Enable", act=_enable, is_offered=lambda service: service.is_disabled),
        Button(
            name="disable",
            label="Disable",
            act=_disable,
            asks=ReasonForm,
            warning="The scheduler gives it no new volumes; what it has stays in its care.",
            is_offered=lambda service: not service.is_disabled,
        ),
    )

    @admin.display(description="service", ordering="host")
    def named(self, service: Service) -> SafeString:
        """Return where it is, and what."""
        return words.two_lines(service.host, service.binary)

    @admin.display(description="state", ordering="last_seen_at")
    def state(self, service: Service) -> SafeString:
        """Return whether it was seen lately."""
        return words.badge("up", words.OK) if is_up(service) else words.badge("down", words.BAD)

    @admin.display(description="new work", ordering="is_disabled")
    def work(self, service: Service) -> SafeString:
        """Return whether it takes new work."""
        if service.is_disabled:
            return words.two_lines(words.badge("disabled", words.WAIT), service.disabled_reason or "")
        return words.badge("frozen", words.WAIT) if service.is_frozen else words.badge("enabled", words.OK)

    @admin.display(description="last seen", ordering="last_seen_at")
    def seen(self, service: Service) -> SafeString | str:
        """Return when it was last seen."""
        return words.ago(service.last_seen_at)
