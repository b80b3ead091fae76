"""The console's pages about limits."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Sum
from django.http import HttpRequest

from storage_site.caller import Caller
from storage_site.pages import words
from storage_site.pages.buttons import Button
from volumes.admin.editing import Edited, become
from volumes.admin.projects import OfProjects
from volumes.models import Quota, Volume, VolumeType
from volumes.quotas import PER_TYPE, UNLIMITED
from volumes.services import quotas as services


class QuotaForm(forms.ModelForm):
    """A limit."""

    limit = forms.IntegerField(min_value=UNLIMITED, help_text="-1: no limit")

    class Meta:
        model = Quota
        fields = ("project_id", "resource", "limit")
        help_texts = {"project_id": "Empty: the default of every project that has no limit of its own."}

    def clean_resource(self) -> str:
        """Return what is limited. :raises ValidationError: if nobody counts that."""
        resource: str = self.cleaned_data["resource"]
        types = VolumeType.objects.values_list("name", flat=True)
        known = [*settings.QUOTA_DEFAULTS, *(f"{counted}_{name}" for name in types for counted in PER_TYPE)]
        if resource not in known:
            raise forms.ValidationError(f"Nobody counts that. There are: {', '.join(sorted(known))}.")
        return resource


def _reset(quota: Quota, *, caller: Caller) -> str:  # noqa: ARG001 - buttons say who presses them
    services.reset_limits(project_id=quota.project_id)
    return "the limits of its project are reset."


@admin.register(Quota)
class QuotaAdmin(Edited, OfProjects):
    """Limits of projects; a project without a row here has the defaults."""

    form = QuotaForm
    list_display = ("resource", "project_or_all", "limit_shown", "in_use")
    list_filter = ("resource",)
    id_fields = ("project_id",)
    search_fields = ("resource",)
    search_help_text = "The id of a project, or what is limited."
    ordering = ("project_id", "resource")
    buttons = (
        Button(
            name="reset",
            label="Reset the project's limits",
            act=_reset,
            warning="Removes every limit of the same project: the defaults hold again.",
            is_dangerous=True,
        ),
    )

    def prepare(self, rows: Sequence[Quota]) -> None:
        """Count what the projects use."""
        super().prepare(rows)
        used = _usage({row.project_id for row in rows})
        for row in rows:
            row.used = used[row.project_id].get(row.resource, 0)

    def get_readonly_fields(self, _request: HttpRequest, row: Quota | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a limit stays with its project."""
        return () if row is None else ("project_id", "resource")

    def save_model(self, request: HttpRequest, obj: Quota, form: QuotaForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Set the limit."""
        services.set_limits(project_id=obj.project_id, limits={obj.resource: obj.limit})
        become(obj, Quota.objects.get(project_id=obj.project_id, resource=obj.resource))

    @admin.display(description="project", ordering="project_id")
    def project_or_all(self, quota: Quota) -> str:
        """Return whose limit it is."""
        return self.project(quota) if quota.project_id else "every project (default)"

    @admin.display(description="limit", ordering="limit")
    def limit_shown(self, quota: Quota) -> str:
        """Return the limit."""
        return "none" if quota.limit == UNLIMITED else str(quota.limit)

    @admin.display(description="in use")
    def in_use(self, quota: Quota) -> str:
        """Return how much the project uses, where it is counted."""
        is_counted = quota.project_id and quota.resource.startswith(("volumes", "gigabytes"))
        return str(quota.used) if is_counted else words.NOTHING


def _usage(project_ids: set[str]) -> dict[str, dict[str, int]]:
    """Return what each project's volumes take up, under the names of the limits."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counted = Volume.objects.filter(project_id__in=project_ids, consumes_quota=True)
    groups: Any = counted.values_list("project_id", "volume_type__name").annotate(Count("pk"), Sum("size_gib"))
    for project_id, type_name, volumes, gigabytes in groups:
        for suffix in ("", f"_{type_name}") if type_name else ("",):
            found[project_id][f"volumes{suffix}"] += volumes
            found[project_id][f"gigabytes{suffix}"] += gigabytes
    return found
