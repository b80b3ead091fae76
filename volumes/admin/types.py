"""The console's pages about volume types."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from storage_site.caller import Caller
from storage_site.pages.buttons import Button
from volumes.admin.editing import Edited, become
from volumes.models import VolumeType, VolumeTypeAccess
from volumes.services import types as services


class TypeForm(forms.ModelForm):
    """What may be said about a type."""

    class Meta:
        model = VolumeType
        fields = ("name", "description", "is_public", "extra_specs")

    def clean_extra_specs(self) -> dict[str, str]:
        """Return the extra specs. :raises ValidationError: if they are no object of strings."""
        specs = self.cleaned_data["extra_specs"] or {}
        if not isinstance(specs, dict) or not all(isinstance(value, str) for value in specs.values()):
            raise forms.ValidationError('Write an object of strings, like {"multiattach": "<is> True"}.')
        return specs


class AccessFormSet(forms.BaseInlineFormSet):
    """The projects that may use a type."""

    def clean(self) -> None:
        """Refuse to name projects for a type that everybody may use."""
        super().clean()
        if self.has_changed() and self.instance.is_public:
            raise forms.ValidationError("Everybody may use a public type: it has no list of projects.")


class AccessInline(admin.TabularInline):
    """The projects that may use a type which is not public."""

    model = VolumeTypeAccess
    formset = AccessFormSet
    extra = 1
    verbose_name_plural = "projects that may use it, unless it is public"

    def has_change_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """Refuse: a project is let in or shut out."""
        return False


def _delete(volume_type: VolumeType, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.delete_type(volume_type=volume_type)
    return "deleted."


@admin.register(VolumeType)
class VolumeTypeAdmin(Edited):
    """Volume types."""

    form = TypeForm
    list_display = ("name", "id", "is_public", "description", "extra_specs", "created_at")
    list_filter = ("is_public",)
    id_fields = ("id",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("id", "name", "description", "is_public", "extra_specs", "created_at", "updated_at")
    inlines = (AccessInline,)
    buttons = (
        Button(name="delete", label="Delete", act=_delete, warning="The type goes for good.", is_dangerous=True),
    )

    def get_fields(self, _request: HttpRequest, row: VolumeType | None = None) -> tuple[str, ...]:
        """Return what the page shows; a type that is being added has no past."""
        return self.fields if row is not None else TypeForm.Meta.fields

    def get_readonly_fields(self, _request: HttpRequest, row: VolumeType | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: the extra specs neither, while volumes have the type."""
        fixed = ("id", "created_at", "updated_at")
        return (*fixed, "extra_specs") if row is not None and row.volumes.exists() else fixed

    def save_model(self, request: HttpRequest, obj: VolumeType, form: TypeForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Add or change the type."""
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        if not change:
            become(obj, services.create_type(**given))
            return
        row = VolumeType.objects.get(pk=obj.pk)
        if "extra_specs" in given:
            _change_specs(row, given.pop("extra_specs"))
            row.refresh_from_db()
        become(obj, services.update_type(volume_type=row, **given))

    def save_formset(self, request: HttpRequest, form: TypeForm, formset: AccessFormSet, change: bool) -> None:  # noqa: ARG002, FBT001
        """Let projects in, and shut them out."""
        formset.save(commit=False)
        for access in formset.deleted_objects:
            services.remove_access(volume_type=form.instance, project_id=access.project_id)
        for access in formset.new_objects:
            services.add_access(volume_type=form.instance, project_id=access.project_id)


def _change_specs(volume_type: VolumeType, wanted: dict[str, str]) -> None:
    for key in set(volume_type.extra_specs) - set(wanted):
        services.delete_extra_spec(volume_type=volume_type, key=key)
    services.merge_extra_specs(volume_type=volume_type, extra_specs=wanted)
