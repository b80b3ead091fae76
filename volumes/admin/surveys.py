"""The console's pages about what back-ends have on their storage."""

from django.contrib import admin

from storage_site.pages.rows import Rows
from volumes.admin.projects import OfProjects
from volumes.models import Survey


@admin.register(Survey)
class SurveyAdmin(OfProjects, Rows):
    """What back-ends are asked to look for: there for as long as somebody waits for the answer."""

    list_display = ("id", "backend", "kind", "status", "project", "created_at")
    fields = ("id", "backend", "kind", "status", "project", "created_at", "found")
    id_fields = ("id", "project_id")
    search_fields = ("=backend",)
    ordering = ("-created_at",)
