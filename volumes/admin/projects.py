"""Showing whose a row is."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from storage_site.identity.models import Project
from storage_site.pages import words
from storage_site.pages.rows import Prepared, Rows
from volumes.models import ProjectLock


class OfProjects(Prepared):
    """Pages of rows that belong to projects."""

    def prepare(self, rows: Sequence[Any]) -> None:
        """Find the projects' names, where this deployment holds its projects itself."""
        super().prepare(rows)
        names = dict(Project.objects.filter(pk__in={row.project_id for row in rows}).values_list("pk", "name"))
        for row in rows:
            row.project_name = names.get(row.project_id, "")

    @admin.display(description="project", ordering="project_id")
    def project(self, row: Any) -> SafeString | str:
        """Return the project's name, or the beginning of its id; all of it shows under the pointer."""
        if row.project_name:
            return format_html('<span title="{}">{}</span>', row.project_id, row.project_name)
        return words.short_id(row.project_id)


@admin.register(ProjectLock)
class ProjectLockAdmin(Rows):
    """Rows that serialise quota checks: nothing to see, so the index does not name them."""

    list_display = fields = ("project_id",)
    search_fields = ("=project_id",)

    def has_module_permission(self, _request: Any) -> bool:
        """Keep it off the index."""
        return False
