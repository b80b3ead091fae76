"""The console's pages about repositories: what each target holds, and what is done to look after it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Sum
from django.utils.safestring import SafeString

from backups.models import Backup, Repository
from backups.services import repositories as services
from storage_site.caller import Caller
from storage_site.operations.pages import ByFault, ResourceRows
from storage_site.pages import words
from storage_site.pages.buttons import Button
from storage_site.pages.rows import fields_of

WHOLE = 100


class VerifyForm(forms.Form):
    """How much is to be read."""

    percent = forms.IntegerField(
        min_value=0, max_value=WHOLE, initial=WHOLE, label="Percent of the data", help_text="0 looks at structure only."
    )


def _collect(repository: Repository, *, caller: Caller) -> str:
    services.begin_collect(repository=repository, caller=caller)
    return "room is given back."


def _verify(repository: Repository, *, caller: Caller, percent: int) -> str:
    services.begin_verify(repository=repository, part=percent / WHOLE, caller=caller)
    return f"it is verified, {percent} % of the data are read."


def _rotate(repository: Repository, *, caller: Caller) -> str:
    services.begin_rotate(repository=repository, caller=caller)
    return "its keys are wrapped anew."


@admin.register(Repository)
class RepositoryAdmin(ResourceRows):
    """Repositories."""

    list_display = ("target", "state", "backups", "stored", "collected", "verified", "verdict", "work")
    list_filter = (ByFault,)
    id_fields = ("id", "repository_id")
    search_fields = ("target",)
    search_help_text = "A target or a part of its name, or the id of a repository."
    fieldsets = (
        (None, {"fields": ("target", "repository_id", "state", "work", "backups", "stored")}),
        ("Upkeep", {"fields": ("collected", "verified", "verdict", "findings_shown")}),
        ("Times", {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = fields_of(fieldsets)
    buttons = (
        Button(name="collect", label="Give room back", act=_collect, warning="Deletes what no backup needs any more."),
        Button(name="verify", label="Verify", act=_verify, asks=VerifyForm, warning="Reads the data it is told to."),
        Button(
            name="rotate",
            label="Rotate keys",
            act=_rotate,
            warning="Wraps the keys of all projects by the first of the master keys. No data are written.",
        ),
    )

    def prepare(self, rows: Sequence[Any]) -> None:
        """Count what is on each target."""
        super().prepare(rows)
        counted = Backup.objects.filter(target__in=[row.target for row in rows]).values("target")
        figures = {one["target"]: one for one in counted.annotate(rows=Count("pk"), stored=Sum("stored_bytes"))}
        for row in rows:
            found = figures.get(row.target, {"rows": 0, "stored": 0})
            row.backup_count, row.stored_bytes = found["rows"], found["stored"]

    @admin.display(description="backups")
    def backups(self, repository: Any) -> int:
        """Return how many backups are on the target."""
        return int(repository.backup_count)

    @admin.display(description="stored")
    def stored(self, repository: Any) -> str:
        """Return how much those that there are have added."""
        return words.amount(repository.stored_bytes)

    @admin.display(description="room given back", ordering="collected_at")
    def collected(self, repository: Repository) -> SafeString | str:
        """Return when room was given back last."""
        return words.ago(repository.collected_at)

    @admin.display(description="verified", ordering="verified_at")
    def verified(self, repository: Repository) -> SafeString | str:
        """Return when it was verified last."""
        return words.ago(repository.verified_at)

    @admin.display(description="found")
    def verdict(self, repository: Repository) -> SafeString | str:
        """Return what verifying found last."""
        found = repository.findings.get("verified")
        if not found:
            return words.NOTHING
        problems = found.get("problems", 0)
        return words.badge(f"{problems} problems" if problems else "sound", words.BAD if problems else words.OK)

    @admin.display(description="findings")
    def findings_shown(self, repository: Repository) -> SafeString | str:
        """Return all that its upkeep has to tell."""
        return words.as_json(repository.findings)
