"""The console's pages about volumes."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations.heartbeat import host_of
from storage_site.operations.pages import ByFault, ResourceRows, statuses_of
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.filters import KnownValues
from storage_site.pages.rows import RowsInline, fields_of
from volumes.admin.projects import OfProjects
from volumes.lifecycle import VOLUME
from volumes.models import Attachment, Volume, VolumeType
from volumes.serializers.actions import STATUSES
from volumes.services import managing, moving
from volumes.services import volumes as services


class ResetForm(forms.Form):
    """What the record is to say from now on."""

    status = forms.ChoiceField(
        required=False, choices=[("", "as it is"), *((status, status) for status in STATUSES)], label="Status"
    )
    is_detached = forms.BooleanField(
        required=False, label="Detached", help_text="Removes the rows of its attachments. Nobody is shut out by it."
    )
    is_not_migrating = forms.BooleanField(
        required=False, label="Not migrating", help_text="Clears its migration status."
    )

    def clean(self) -> dict[str, Any]:
        """Return what was filled in, if anything was."""
        answers: dict[str, Any] = super().clean() or {}
        if not any(answers.values()):
            raise forms.ValidationError("Say what is to change.")
        return answers


def _reset(volume: Volume, *, caller: Caller, status: str, is_detached: bool, is_not_migrating: bool) -> str:
    services.reset_status(
        volume=volume,
        caller=caller,
        status=status or None,
        attach_status="detached" if is_detached else None,
        migration_status="none" if is_not_migrating else None,
    )
    return f"set to {status}." if status else "set straight."


def _delete(volume: Volume, *, caller: Caller) -> str:
    services.delete_volume(volume=volume, caller=caller)
    return "its deletion is accepted."


def _force_delete(volume: Volume, *, caller: Caller) -> str:
    services.delete_volume(volume=volume, caller=caller, force=True)
    return "its deletion by force is accepted."


class RetypeForm(forms.Form):
    """Of which type the volume is to be."""

    volume_type = forms.ModelChoiceField(queryset=VolumeType.objects.order_by("name"), label="Type")
    may_move = forms.BooleanField(
        required=False, label="May be moved", help_text="To another back-end, if its own does not serve the type."
    )


class MigrateForm(forms.Form):
    """Where the volume is to live."""

    backend = forms.ChoiceField(choices=lambda: [(key, key) for key in settings.STORAGE_BACKENDS], label="Back-end")
    is_locked = forms.BooleanField(required=False, label="Locked", help_text="In maintenance until it is there.")


def _retype(volume: Volume, *, caller: Caller, volume_type: VolumeType, may_move: bool) -> str:
    moving.retype_volume(volume=volume, volume_type=volume_type, may_move=may_move, caller=caller)
    return f"its change to type {volume_type} is accepted."


def _migrate(volume: Volume, *, caller: Caller, backend: str, is_locked: bool) -> str:
    moving.migrate_volume(volume=volume, host=host_of(backend), is_locked=is_locked, caller=caller)
    return f"its migration to {backend} is accepted."


def _unmanage(volume: Volume, *, caller: Caller) -> str:
    managing.unmanage_volume(volume=volume, caller=caller)
    return f"it is given up; it stays on {volume.backend} as {volume.ref().name}."


class ByStatus(KnownValues):
    """Volumes in a status."""

    title = parameter_name = field = "status"

    def values(self) -> Iterable[str]:
        """Return the statuses that a volume may have."""
        return statuses_of(VOLUME)


class ByBackend(KnownValues):
    """Volumes on a back-end."""

    title, parameter_name, field = "back-end", "backend", "backend"

    def values(self) -> Iterable[str]:
        """Return the back-ends of the settings, and none for volumes that have not been placed."""
        return [*settings.STORAGE_BACKENDS, ""]


class ByZone(KnownValues):
    """Volumes in a zone."""

    title, parameter_name, field = "zone", "zone", "availability_zone"

    def values(self) -> Iterable[str]:
        """Return the zones of the settings."""
        return sorted(services.known_zones())


class AttachmentInline(RowsInline):
    """Who uses the volume."""

    model = Attachment
    fields = readonly_fields = (
        "status", "instance_id", "host_name", "attach_mode", "mountpoint", "is_listed", "attached_at",
    )  # fmt: skip
    show_change_link = True
    ordering = ("-created_at",)


@admin.register(Volume)
class VolumeAdmin(OfProjects, ResourceRows):
    """Volumes."""

    list_display = ("named", "project", "state", "size", "place", "age", "work")
    list_display_links = ("named",)
    list_filter = (ByStatus, ByBackend, ByZone, ByFault, "volume_type")
    id_fields = ("id", "project_id", "user_id")
    search_fields = ("name", "=backend")
    search_help_text = "A name or a part of it, or the id of a volume, project or user."
    inlines = (AttachmentInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "description", "project", "user_id", "state", "work")}),
        (
            "Storage",
            {"fields": ("size", "volume_type", "group", "availability_zone", "place", "migration_status", "name_id")},
        ),
        ("Use", {"fields": ("is_bootable", "is_multiattach", "is_readonly", "attached_mode", "consumes_quota")}),
        ("Metadata", {"fields": ("metadata_shown", "image_metadata_shown")}),
        ("Times", {"fields": ("created_at", "updated_at", "launched_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(
            name="reset",
            label="Reset status",
            act=_reset,
            asks=ResetForm,
            warning="Changes the record only: unfinished operations are cancelled, and the storage is not touched.",
        ),
        Button(name="retype", label="Change type", act=_retype, asks=RetypeForm),
        Button(
            name="migrate",
            label="Migrate",
            act=_migrate,
            asks=MigrateForm,
            warning="Its data are copied, and what is on its present back-end is removed afterwards.",
        ),
        Button(
            name="unmanage",
            label="Unmanage",
            act=_unmanage,
            warning="The volume is forgotten; its data stay on its back-end under the name that they have there.",
            is_dangerous=True,
        ),
        Button(
            name="delete",
            label="Delete",
            act=_delete,
            warning="Its back-end deletes the volume with all that is on it.",
            is_dangerous=True,
        ),
        Button(
            name="force-delete",
            label="Force delete",
            act=_force_delete,
            warning=(
                "Its back-end deletes the volume with all that is on it, whatever its status is: "
                "unfinished operations are cancelled first."
            ),
            is_dangerous=True,
        ),
    )

    @admin.display(description="name", ordering="name")
    def named(self, volume: Volume) -> SafeString:
        """Return the name, and under it the beginning of the id."""
        return words.two_lines(volume.name or "(no name)", words.short_id(volume.pk))

    @admin.display(description="size", ordering="size_gib")
    def size(self, volume: Volume) -> str:
        """Return the size with its unit."""
        return f"{volume.size_gib} GiB"

    @admin.display(description="back-end", ordering="backend")
    def place(self, volume: Volume) -> str:
        """Return back-end and pool."""
        if not volume.backend:
            return words.NOTHING
        return volume.backend if volume.pool in {"", volume.backend} else f"{volume.backend} # {volume.pool}"

    @admin.display(description="metadata")
    def metadata_shown(self, volume: Volume) -> SafeString | str:
        """Return the metadata."""
        return words.members(volume.metadata)

    @admin.display(description="image metadata")
    def image_metadata_shown(self, volume: Volume) -> SafeString | str:
        """Return what is known of the image on the volume."""
        return words.members(volume.image_metadata)
