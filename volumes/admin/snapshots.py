"""The console's pages about snapshots."""

from collections.abc import Iterable

from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from storage_site.caller import Caller
from storage_site.operations.pages import ByFault, ResourceRows, statuses_of
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.filters import KnownValues
from storage_site.pages.rows import fields_of
from volumes.admin.projects import OfProjects
from volumes.lifecycle import SNAPSHOT
from volumes.models import Snapshot
from volumes.services import snapshots as services


def _delete(snapshot: Snapshot, *, caller: Caller) -> str:
    services.delete_snapshot(snapshot=snapshot, caller=caller)
    return "its deletion is accepted."


def _force_delete(snapshot: Snapshot, *, caller: Caller) -> str:
    services.delete_snapshot(snapshot=snapshot, caller=caller, force=True)
    return "its deletion by force is accepted."


class ByStatus(KnownValues):
    """Snapshots in a status."""

    title = parameter_name = field = "status"

    def values(self) -> Iterable[str]:
        """Return the statuses that a snapshot may have."""
        return statuses_of(SNAPSHOT)


@admin.register(Snapshot)
class SnapshotAdmin(OfProjects, ResourceRows):
    """Snapshots."""

    list_display = ("named", "volume_link", "project", "state", "size", "age", "work")
    list_display_links = ("named",)
    list_filter = (ByStatus, ByFault)
    list_select_related = ("volume",)
    id_fields = ("id", "volume_id", "project_id", "user_id")
    search_fields = ("name",)
    search_help_text = "A name or a part of it, or the id of a snapshot, volume, project or user."
    fieldsets = (
        (None, {"fields": ("id", "name", "description", "volume_link", "project", "user_id", "state", "work")}),
        ("Storage", {"fields": ("size", "consumes_quota")}),
        ("Metadata", {"fields": ("metadata_shown",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(
            name="delete",
            label="Delete",
            act=_delete,
            warning="Its back-end gives up what the snapshot keeps.",
            is_dangerous=True,
        ),
        Button(
            name="force-delete",
            label="Force delete",
            act=_force_delete,
            warning="As delete, whatever its status is: unfinished operations are cancelled first.",
            is_dangerous=True,
        ),
    )

    @admin.display(description="name", ordering="name")
    def named(self, snapshot: Snapshot) -> SafeString:
        """Return the name, and under it the beginning of the id."""
        return words.two_lines(snapshot.name or "(no name)", words.short_id(snapshot.pk))

    @admin.display(description="size", ordering="size_gib")
    def size(self, snapshot: Snapshot) -> str:
        """Return the size with its unit."""
        return f"{snapshot.size_gib} GiB"

    @admin.display(description="volume")
    def volume_link(self, snapshot: Snapshot) -> SafeString:
        """Return a link to the volume."""
        return words.link(reverse("admin:volumes_volume_change", args=[snapshot.volume_id]), snapshot.volume)

    @admin.display(description="metadata")
    def metadata_shown(self, snapshot: Snapshot) -> SafeString | str:
        """Return the metadata."""
        return words.members(snapshot.metadata)
