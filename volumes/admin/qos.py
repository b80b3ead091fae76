"""The console's pages about QoS specs and encryption types."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from storage_site.caller import Caller
from storage_site.pages.buttons import Button
from volumes.admin.editing import Edited, become
from volumes.models import EncryptionType, QosSpecs
from volumes.models.encryption import BACK_END, FRONT_END
from volumes.models.qos import BOTH
from volumes.services import encryption as encryption_services
from volumes.services import qos as services

CONSUMERS = ((BACK_END, "back-end"), (FRONT_END, "front-end"), (BOTH, "both"))


class QosForm(forms.ModelForm):
    """Limits, and who keeps them."""

    consumer = forms.ChoiceField(choices=CONSUMERS)

    class Meta:
        model = QosSpecs
        fields = ("name", "consumer", "specs")

    def clean_specs(self) -> dict[str, str]:
        """Return the limits. :raises ValidationError: if they are no object of strings."""
        specs = self.cleaned_data["specs"] or {}
        if not isinstance(specs, dict) or not all(isinstance(value, str) for value in specs.values()):
            raise forms.ValidationError('Write an object of strings, like {"total_iops_sec": "500"}.')
        return specs


def _delete(qos_specs: QosSpecs, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.delete_qos_specs(qos_specs=qos_specs)
    return "deleted."


@admin.register(QosSpecs)
class QosSpecsAdmin(Edited):
    """Limits of throughput; types get them by the API."""

    form = QosForm
    list_display = ("name", "id", "consumer", "specs", "types_shown")
    list_filter = ("consumer",)
    id_fields = ("id",)
    search_fields = ("name",)
    ordering = ("name",)
    buttons = (Button(name="delete", label="Delete", act=_delete, warning="They go for good.", is_dangerous=True),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the rows with their types."""
        return super().get_queryset(request).prefetch_related("types")

    def get_readonly_fields(self, _request: HttpRequest, row: QosSpecs | None = None) -> tuple[str, ...]:
        """Return what cannot be changed."""
        return () if row is None else ("name",)

    def save_model(self, request: HttpRequest, obj: QosSpecs, form: QosForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Add or change the limits."""
        if not change:
            become(obj, services.create_qos_specs(name=obj.name, consumer=obj.consumer, specs=obj.specs))
            return
        row = QosSpecs.objects.get(pk=obj.pk)
        services.delete_keys(qos_specs=row, keys=set(row.specs) - set(obj.specs))
        services.update_qos_specs(qos_specs=row, specs=obj.specs, consumer=obj.consumer)

    @admin.display(description="types")
    def types_shown(self, qos_specs: QosSpecs) -> str:
        """Return the names of the types that have them."""
        return ", ".join(each.name for each in qos_specs.types.all())


class EncryptionForm(forms.ModelForm):
    """How volumes of a type are to be encrypted."""

    control_location = forms.ChoiceField(choices=((FRONT_END, "front-end"), (BACK_END, "back-end")))

    class Meta:
        model = EncryptionType
        fields = ("volume_type", "provider", "control_location", "cipher", "key_size")


def _end(encryption: EncryptionType, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    encryption_services.delete_encryption(volume_type=encryption.volume_type)
    return "removed."


@admin.register(EncryptionType)
class EncryptionTypeAdmin(Edited):
    """What volume types say of encryption."""

    form = EncryptionForm
    list_display = ("volume_type", "provider", "control_location", "cipher", "key_size")
    list_select_related = ("volume_type",)
    id_fields = ("id", "volume_type_id")
    search_fields = ("provider",)
    ordering = ("volume_type__name",)
    buttons = (Button(name="remove", label="Remove", act=_end, warning="The type says nothing of encryption then."),)

    def get_readonly_fields(self, _request: HttpRequest, row: EncryptionType | None = None) -> tuple[str, ...]:
        """Return what cannot be changed."""
        return () if row is None else ("volume_type",)

    def save_model(self, request: HttpRequest, obj: EncryptionType, form: EncryptionForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Add or change it."""
        members = {name: form.cleaned_data[name] for name in form.changed_data if name != "volume_type"}
        if change:
            encryption_services.update_encryption(volume_type=obj.volume_type, **members)
        else:
            become(obj, encryption_services.create_encryption(volume_type=obj.volume_type, **members))
