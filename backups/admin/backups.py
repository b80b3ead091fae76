"""The console's pages about backups."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils.safestring import SafeString

from backups.lifecycle import BACKUP
from backups.models import Backup
from backups.serializers.backups import STATUSES
from backups.services import backups as services
from backups.services import restores
from storage_site.caller import Caller
from storage_site.operations.pages import ByFault, ResourceRows, statuses_of
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.filters import KnownValues, TrueOrFalse
from storage_site.pages.rows import fields_of
from volumes.admin.projects import OfProjects
from volumes.models import Volume


class RestoreForm(forms.Form):
    """What is to hold what the backup does."""

    volume_id = forms.UUIDField(
        required=False,
        label="Volume",
        help_text="The id of an available volume; a new one in the backup's project else.",
    )
    name = forms.CharField(required=False, max_length=255, label="Name", help_text="Of the new volume.")


class ResetForm(forms.Form):
    """What the record is to say from now on."""

    status = forms.ChoiceField(choices=[(status, status) for status in STATUSES], label="Status")


def _restore(backup: Backup, *, caller: Caller, volume_id: Any, name: str) -> str:
    """Restore as the project that has the backup: what is made is its own."""
    owner = replace(caller, project_id=backup.project_id)
    asked = str(volume_id) if volume_id else None
    volume = restores.restore_backup(caller=owner, backup=backup, volume_id=asked, name=name or None)
    return f"volume {volume.pk} is given what it holds."


def _reset(backup: Backup, *, caller: Caller, status: str) -> str:
    services.reset_status(backup=backup, status=status, caller=caller)
    return f"set to {status}."


def _delete(backup: Backup, *, caller: Caller) -> str:
    services.delete_backup(backup=backup, caller=caller)
    return "its deletion is accepted."


def _force_delete(backup: Backup, *, caller: Caller) -> str:
    services.delete_backup(backup=backup, caller=caller, force=True)
    return "its deletion by force is accepted."


class ByStatus(KnownValues):
    """Backups in a status."""

    title = parameter_name = field = "status"

    def values(self) -> Iterable[str]:
        """Return the statuses that a backup may have."""
        return statuses_of(BACKUP)


class ByTarget(KnownValues):
    """Backups on a target."""

    title = parameter_name = field = "target"

    def values(self) -> Iterable[str]:
        """Return the targets of the settings."""
        return list(settings.BACKUP_TARGETS)


class ByDamage(TrueOrFalse):
    """Backups that verifying found damaged, or not."""

    title, parameter_name, field = "data", "data", "is_damaged"
    if_true, if_false = "damaged", "not known to be damaged"


@admin.register(Backup)
class BackupAdmin(OfProjects, ResourceRows):
    """Backups."""

    list_display = ("named", "volume_link", "project", "state", "size", "stored", "target", "lineage", "age", "work")
    list_display_links = ("named",)
    list_filter = (ByStatus, ByTarget, ByDamage, ByFault)
    id_fields = ("id", "volume_id", "snapshot_id", "parent_id", "restoring_volume_id", "project_id", "user_id")
    search_fields = ("name",)
    search_help_text = "A name or a part of it, or the id of a backup, its parent, a volume, snapshot, project or user."
    fieldsets = (
        (None, {"fields": ("id", "name", "description", "project", "user_id", "state", "work", "fail_reason")}),
        ("Source", {"fields": ("volume_link", "snapshot_id", "data_timestamp", "size", "properties_shown")}),
        ("Lineage", {"fields": ("lineage", "unread")}),
        ("Storage", {"fields": ("target", "container", "availability_zone", "stored_in", "stored", "held")}),
        ("Integrity", {"fields": ("is_damaged", "object_count", "digest_shown")}),
        ("Restore", {"fields": ("restoring_link",)}),
        ("Metadata", {"fields": ("metadata_shown",)}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(
            name="restore",
            label="Restore",
            act=_restore,
            asks=RestoreForm,
            warning="Whatever an existing volume holds is replaced.",
            is_offered=lambda backup: backup.status == "available",
        ),
        Button(
            name="reset",
            label="Reset status",
            act=_reset,
            asks=ResetForm,
            warning="Changes the record, calls off what is unfinished, and does not touch the target.",
        ),
        Button(
            name="delete",
            label="Delete",
            act=_delete,
            warning="A worker removes the backup from its target. Those that were made after it stay whole.",
            is_dangerous=True,
        ),
        Button(
            name="force-delete",
            label="Force delete",
            act=_force_delete,
            warning="As delete, whatever its status is: what is unfinished is called off first.",
            is_dangerous=True,
        ),
    )

    def prepare(self, rows: Sequence[Any]) -> None:
        """Find the volumes and the parents that there still are."""
        super().prepare(rows)
        volumes = Volume.objects.in_bulk({row.volume_id for row in rows} | {row.restoring_volume_id for row in rows})
        parents = Backup.objects.in_bulk({row.parent_id for row in rows} - {None})
        for row in rows:
            row.volume_there = volumes.get(row.volume_id)
            row.restoring_there = volumes.get(row.restoring_volume_id)
            row.parent_there = parents.get(row.parent_id)

    @admin.display(description="name", ordering="name")
    def named(self, backup: Backup) -> SafeString:
        """Return the name, and under it the beginning of the id."""
        return words.two_lines(backup.name or "(no name)", words.short_id(backup.pk))

    @admin.display(description="volume")
    def volume_link(self, backup: Any) -> SafeString | str:
        """Return a link to the volume, or its id where it has gone."""
        return _link("volumes_volume", backup.volume_there, backup.volume_id)

    @admin.display(description="being restored to")
    def restoring_link(self, backup: Any) -> SafeString | str:
        """Return a link to the volume that is being given what the backup holds."""
        return _link("volumes_volume", backup.restoring_there, backup.restoring_volume_id)

    @admin.display(description="parent", ordering="parent_id")
    def lineage(self, backup: Any) -> SafeString | str:
        """Return a link to the parent, or its id where it has gone."""
        return _link("backups_backup", backup.parent_there, backup.parent_id)

    @admin.display(description="size", ordering="size_gib")
    def size(self, backup: Backup) -> str:
        """Return the volume's size with its unit."""
        return f"{backup.size_gib} GiB"

    @admin.display(description="stored", ordering="stored_bytes")
    def stored(self, backup: Backup) -> str:
        """Return how much this backup has added to its target."""
        return words.amount(backup.stored_bytes)

    @admin.display(description="held", ordering="chunks_bytes")
    def held(self, backup: Backup) -> str:
        """Return how much of the volume is not zeros."""
        return words.amount(backup.chunks_bytes)

    @admin.display(description="digest")
    def digest_shown(self, backup: Backup) -> str:
        """Return the digest of the manifest."""
        return bytes(backup.digest).hex() if backup.digest else words.NOTHING

    @admin.display(description="volume's properties")
    def properties_shown(self, backup: Backup) -> SafeString | str:
        """Return what is kept of the volume beside its data."""
        return words.as_json(backup.volume_properties)

    @admin.display(description="metadata")
    def metadata_shown(self, backup: Backup) -> SafeString | str:
        """Return the metadata."""
        return words.members(backup.metadata)


def _link(kind: str, row: Any, named: object) -> SafeString | str:
    return words.link(reverse(f"admin:{kind}_change", args=[row.pk]), row) if row else words.short_id(named)
