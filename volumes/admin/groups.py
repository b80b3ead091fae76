"""The console's pages about groups of volumes and their snapshots."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations.pages import ByFault, ResourceRows, statuses_of
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.filters import KnownValues
from storage_site.pages.rows import RowsInline, fields_of
from volumes.admin.projects import OfProjects
from volumes.groups.lifecycle import GROUP, GROUP_SNAPSHOT
from volumes.models import Group, GroupSnapshot, Snapshot, Volume
from volumes.serializers import group_snapshots as snapshot_shapes
from volumes.serializers import groups as shapes
from volumes.services import group_snapshots as snapshot_services
from volumes.services import groups as services

_RECORD_ONLY = "Changes the record only: unfinished operations are cancelled, and the storage is not touched."


class ResetForm(forms.Form):
    """What the record of a group is to say from now on."""

    status = forms.ChoiceField(choices=[(status, status) for status in shapes.STATUSES], label="Status")


class ResetSnapshotForm(forms.Form):
    """What the record of a snapshot is to say from now on."""

    status = forms.ChoiceField(choices=[(status, status) for status in snapshot_shapes.STATUSES], label="Status")


def _reset(group: Group, *, caller: Caller, status: str) -> str:
    services.reset_status(group=group, status=status, caller=caller)
    return f"set to {status}."


def _keep(group: Group, *, caller: Caller) -> str:
    made = snapshot_services.create_group_snapshot(caller=caller, group=group)
    return f"snapshot {words.short_id(made.pk)} is accepted."


def _delete(group: Group, *, caller: Caller) -> str:
    services.delete_group(group=group, caller=caller)
    return "deleted; its volumes, if it had any, were not touched."


def _delete_with_volumes(group: Group, *, caller: Caller) -> str:
    services.delete_group(group=group, caller=caller, with_volumes=True)
    return "its deletion is accepted."


def _reset_snapshot(group_snapshot: GroupSnapshot, *, caller: Caller, status: str) -> str:
    snapshot_services.reset_status(group_snapshot=group_snapshot, status=status, caller=caller)
    return f"set to {status}."


def _delete_snapshot(group_snapshot: GroupSnapshot, *, caller: Caller) -> str:
    snapshot_services.delete_group_snapshot(group_snapshot=group_snapshot, caller=caller)
    return "its deletion is accepted."


class ByStatus(KnownValues):
    """Groups in a status."""

    title = parameter_name = field = "status"

    def values(self) -> Iterable[str]:
        """Return the statuses that a group may have."""
        return statuses_of(GROUP)


class BySnapshotStatus(ByStatus):
    """Snapshots of groups in a status."""

    def values(self) -> Iterable[str]:
        """Return the statuses that a snapshot of a group may have."""
        return statuses_of(GROUP_SNAPSHOT)


class ByBackend(KnownValues):
    """Groups on a back-end."""

    title, parameter_name, field = "back-end", "backend", "backend"

    def values(self) -> Iterable[str]:
        """Return the back-ends of the settings, and none for groups that have not been placed."""
        return [*settings.STORAGE_BACKENDS, ""]


class VolumeInline(RowsInline):
    """The volumes of the group."""

    model = Volume
    fields = readonly_fields = ("name", "status", "size_gib", "volume_type", "pool")
    show_change_link = True
    ordering = ("created_at",)


class SnapshotInline(RowsInline):
    """The parts of a snapshot of a group."""

    model = Snapshot
    fields = readonly_fields = ("name", "status", "size_gib", "volume")
    show_change_link = True
    ordering = ("created_at",)


class Named(OfProjects, ResourceRows):
    """What the two kinds of pages share."""

    list_display_links = ("named",)
    search_fields = ("name",)

    @admin.display(description="name", ordering="name")
    def named(self, row: Any) -> SafeString:
        """Return the name, and under it the beginning of the id."""
        return words.two_lines(row.name or "(no name)", words.short_id(row.pk))


@admin.register(Group)
class GroupAdmin(Named):
    """Groups of volumes."""

    list_display = ("named", "project", "state", "group_type", "backend", "age", "work")
    list_filter = (ByStatus, ByBackend, ByFault, "group_type")
    list_select_related = ("group_type",)
    id_fields = ("id", "project_id", "user_id")
    search_help_text = "A name or a part of it, or the id of a group, project or user."
    inlines = (VolumeInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "description", "project", "user_id", "state", "work")}),
        ("Storage", {"fields": ("group_type", "types", "availability_zone", "backend", "pool")}),
        ("Origin", {"fields": ("group_snapshot_id", "source_group_id")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(name="reset", label="Reset status", act=_reset, asks=ResetForm, warning=_RECORD_ONLY),
        Button(name="keep", label="Take a snapshot", act=_keep, warning="What all its volumes hold is kept."),
        Button(
            name="delete",
            label="Delete",
            act=_delete,
            warning="The group goes if no volumes belong to it.",
            is_dangerous=True,
        ),
        Button(
            name="delete-with-volumes",
            label="Delete with volumes",
            act=_delete_with_volumes,
            warning="The back-end deletes all volumes of the group with all that is on them.",
            is_dangerous=True,
        ),
    )

    @admin.display(description="volume types")
    def types(self, group: Group) -> str:
        """Return the names of the volume types."""
        return ", ".join(group.volume_types.order_by("name").values_list("name", flat=True))


@admin.register(GroupSnapshot)
class GroupSnapshotAdmin(Named):
    """Snapshots of groups."""

    list_display = ("named", "group_link", "project", "state", "age", "work")
    list_filter = (BySnapshotStatus, ByFault)
    list_select_related = ("group",)
    id_fields = ("id", "group_id", "project_id", "user_id")
    search_help_text = "A name or a part of it, or the id of a snapshot, group, project or user."
    inlines = (SnapshotInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "description", "group_link", "project", "user_id", "state", "work")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(name="reset", label="Reset status", act=_reset_snapshot, asks=ResetSnapshotForm, warning=_RECORD_ONLY),
        Button(
            name="delete",
            label="Delete",
            act=_delete_snapshot,
            warning="The back-end gives up what all its parts keep.",
            is_dangerous=True,
        ),
    )

    @admin.display(description="group")
    def group_link(self, group_snapshot: GroupSnapshot) -> SafeString:
        """Return a link to the group."""
        url = reverse("admin:volumes_group_change", args=[group_snapshot.group_id])
        return words.link(url, group_snapshot.group)
