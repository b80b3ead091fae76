"""The console's pages about group types."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from storage_site.caller import Caller
from storage_site.pages.buttons import Button
from volumes.admin.editing import Edited, become
from volumes.models import GroupType
from volumes.services import group_types as services


class GroupTypeForm(forms.ModelForm):
    """What may be said about a group type."""

    class Meta:
        model = GroupType
        fields = ("name", "description", "is_public", "group_specs")

    def clean_group_specs(self) -> dict[str, str]:
        """Return the group specs. :raises ValidationError: if they are no object of strings."""
        specs = self.cleaned_data["group_specs"] or {}
        if not isinstance(specs, dict) or not all(isinstance(value, str) for value in specs.values()):
            raise forms.ValidationError(
                'Write an object of strings, like {"consistent_group_snapshot_enabled": "<is> True"}.'
            )
        return specs


def _delete(group_type: GroupType, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.delete_group_type(group_type=group_type)
    return "deleted."


@admin.register(GroupType)
class GroupTypeAdmin(Edited):
    """Group types."""

    form = GroupTypeForm
    list_display = ("name", "id", "is_public", "description", "group_specs", "created_at")
    list_filter = ("is_public",)
    id_fields = ("id",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("id", "name", "description", "is_public", "group_specs", "created_at", "updated_at")
    buttons = (
        Button(
            name="delete",
            label="Delete",
            act=_delete,
            warning="The group type goes for good.",
            is_offered=lambda row: not row.is_reserved,
            is_dangerous=True,
        ),
    )

    def get_fields(self, _request: HttpRequest, row: GroupType | None = None) -> tuple[str, ...]:
        """Return what the page shows; a type that is being added has no past."""
        return self.fields if row is not None else GroupTypeForm.Meta.fields

    def get_readonly_fields(self, _request: HttpRequest, row: GroupType | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: of the reserved type nothing can."""
        if row is not None and row.is_reserved:
            return self.fields
        return ("id", "created_at", "updated_at")

    def save_model(self, request: HttpRequest, obj: GroupType, form: GroupTypeForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Add or change the group type."""
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        if not change:
            become(obj, services.create_group_type(**given))
            return
        row = GroupType.objects.get(pk=obj.pk)
        if "group_specs" in given:
            _change_specs(row, given.pop("group_specs"))
            row.refresh_from_db()
        become(obj, services.update_group_type(group_type=row, **given))


def _change_specs(group_type: GroupType, wanted: dict[str, str]) -> None:
    for key in set(group_type.group_specs) - set(wanted):
        services.delete_group_spec(group_type=group_type, key=key)
    services.merge_group_specs(group_type=group_type, group_specs=wanted)
