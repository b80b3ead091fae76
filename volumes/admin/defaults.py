"""The console's pages about default types of projects and limits of quota classes."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from storage_site.caller import Caller
from storage_site.pages.buttons import Button
from storage_site.pages.rows import Rows
from volumes.admin.editing import Edited, become
from volumes.admin.projects import OfProjects
from volumes.models import DefaultType, QuotaClassLimit
from volumes.services import types as services


class DefaultTypeForm(forms.ModelForm):
    """The type of a project's volumes for which none is named."""

    class Meta:
        model = DefaultType
        fields = ("project_id", "volume_type")


def _unset(default: DefaultType, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.unset_default_type(project_id=default.project_id)
    return "everybody's default holds again."


@admin.register(DefaultType)
class DefaultTypeAdmin(Edited, OfProjects):
    """Default types of projects."""

    form = DefaultTypeForm
    list_display = ("project", "project_id", "volume_type")
    list_select_related = ("volume_type",)
    id_fields = ("project_id",)
    search_fields = ("volume_type__name",)
    ordering = ("project_id",)
    buttons = (Button(name="unset", label="Unset", act=_unset, warning="Everybody's default type holds again."),)

    def get_readonly_fields(self, _request: HttpRequest, row: DefaultType | None = None) -> tuple[str, ...]:
        """Return what cannot be changed."""
        return () if row is None else ("project_id",)

    def save_model(self, request: HttpRequest, obj: DefaultType, form: DefaultTypeForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Set it."""
        become(obj, services.set_default_type(project_id=obj.project_id, volume_type=obj.volume_type))


@admin.register(QuotaClassLimit)
class QuotaClassLimitAdmin(Rows):
    """Limits under the names of classes, which the API writes."""

    list_display = fields = ("class_name", "resource", "limit")
    list_filter = ("class_name",)
    search_fields = ("class_name", "resource")
    ordering = ("class_name", "resource")
