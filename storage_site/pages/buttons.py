"""Verbs as buttons of a row and as actions on a list: each calls a service, and tells what it answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from storage_site.caller import ADMIN, Caller
from storage_site.errors import StorageError

MOST_ROWS = 200  # that one action may take: each is a service's transaction of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A verb that operators have.

    `act(row, caller=…, **answers)` calls the service and returns what came of it, in words. `asks` is a form
    to be filled in before, `warning` a sentence to be read before; without either the button acts at once.
    `is_offered` tells whether a row's own page shows it: the service decides, whatever the page shows.
    """

    name: str
    label: str
    act: Callable[..., str]
    warning: str = ""
    asks: type[forms.Form] | None = None
    is_offered: Callable[[Any], bool] = lambda _row: True
    is_dangerous: bool = False

    @property
    def has_a_page(self) -> bool:
        """Tell whether something is shown before it acts."""
        return bool(self.asks or self.warning)


def caller_of(request: HttpRequest) -> Caller:
    """Return whom the services hear: the operator of this request, who is an administrator of everything."""
    user: Any = request.user
    return Caller(
        user_id=str(user.pk),
        user_name=user.get_username(),
        roles=frozenset({ADMIN}),
        request_id=getattr(request, "request_id", ""),
    )


class Operable(admin.ModelAdmin):
    """Pages with buttons."""

    buttons: tuple[Button, ...] = ()
    change_form_template = "admin/row.html"

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may press buttons."""
        user: Any = request.user
        return bool(user.is_active and user.is_superuser)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions of the list: the buttons, where there may be any."""
        actions = super().get_actions(request)
        if self.has_operate_permission(request):
            actions |= {one.name: (partial(_on_list, one), one.name, one.label) for one in self.buttons}
        return actions

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, those of the buttons among them."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_button"
        view = self.admin_site.admin_view(self.button_view)
        return [path("<path:object_id>/button/<slug:button>/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return a row's page."""
        row = kwargs.get("obj")
        offered = [one for one in self.buttons if one.is_offered(row)] if row else []
        context["buttons"] = offered if self.has_operate_permission(request) else []
        return super().render_change_form(request, context, *args, **kwargs)

    def button_view(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        """Answer a button on a row's own page. :raises Http404: if there is no such button."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        pressed = next((one for one in self.buttons if one.name == button), None)
        if pressed is None:
            raise Http404
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self.press(request, pressed, [row]) or HttpResponseRedirect(self._page_after(row))

    def press(
        self, request: HttpRequest, button: Button, rows: Sequence[Model], *, is_on_list: bool = False
    ) -> HttpResponse | None:
        """Act on `rows`, if all has been asked; return the page that asks otherwise."""
        is_sent = request.method == "POST" and (not button.has_a_page or "confirmed" in request.POST)
        form = (button.asks or forms.Form)(request.POST if is_sent else None)
        if is_sent and form.is_valid():
            self._act(request, button, rows, form.cleaned_data)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": button.label,
            "opts": self.opts,
            "button": button,
            "form": form,
            "rows": rows,
            "is_on_list": is_on_list,
            "row_url": None if is_on_list else self._url_of(rows[0]),
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/ask.html", context)

    def _act(self, request: HttpRequest, button: Button, rows: Iterable[Model], answers: dict[str, Any]) -> None:
        caller = caller_of(request)
        for row in rows:
            try:
                done = button.act(row, caller=caller, **answers)
            except StorageError as error:
                self.message_user(request, f"{button.label} {row}: {error.message}", messages.WARNING)
            else:
                self.log_change(request, row, _in_words(button, answers))
                self.message_user(request, f"{button.label} {row}: {done}", messages.SUCCESS)

    def _page_after(self, row: Model) -> str:
        is_there = self.model._default_manager.filter(pk=row.pk).exists()  # noqa: SLF001 - Django's documented API
        return self._url_of(row) if is_there else reverse(f"{self._name}_changelist")

    def _url_of(self, row: Model) -> str:
        return reverse(f"{self._name}_change", args=[quote(row.pk)])

    @property
    def _name(self) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}"


def _on_list(button: Button, page: Operable, request: HttpRequest, chosen: QuerySet) -> HttpResponse | None:
    rows = list(chosen[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        page.message_user(request, f"{button.label}: at most {MOST_ROWS} rows at once.", messages.WARNING)
        return None
    return page.press(request, button, rows, is_on_list=True)


def _in_words(button: Button, answers: dict[str, Any]) -> str:
    given = ", ".join(f"{name} {value}" for name, value in answers.items() if value not in (None, "", False))
    return f"{button.label}: {given}" if given else button.label
