"""Pages of rows to look at: nothing is edited, everything is found."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet, UUIDField
from django.http import HttpRequest


class PageOfRows(ChangeList):
    """A page of a list, whose rows are prepared together instead of one by one."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.prepare(self.result_list)


class Prepared(admin.ModelAdmin):
    """Pages whose rows are given, a page at a time, what their columns show beside the row itself."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    # Columns that hold ids: a search for an id looks there, and nowhere else.
    id_fields: tuple[str, ...] = ("pk",)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Add to `rows` what their columns need, in a number of queries that does not depend on theirs."""

    def get_changelist(self, _request: HttpRequest, **_options: Any) -> type[ChangeList]:
        """Return the class of the list's pages."""
        return PageOfRows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """Return the row of a page of its own."""
        row: Model | None = super().get_object(request, object_id, from_field)
        if row is not None:
            self.prepare([row])
        return row

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Return the rows that `search_term` finds: by id, by an index, where it is one; by name otherwise."""
        wanted = _as_id(search_term.strip())
        if wanted is None:
            return super().get_search_results(request, queryset, search_term)
        found = Q()
        for name in self.id_fields:
            is_uuid = isinstance(self.opts.pk if name == "pk" else self.opts.get_field(name), UUIDField)
            found |= Q((name, wanted)) if is_uuid else Q((f"{name}__in", [wanted.hex, str(wanted)]))
        return queryset.filter(found), False


class Rows(Prepared):
    """Rows to look at only."""

    def has_add_permission(self, *_args: Any) -> bool:
        """Refuse."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class RowsInline(admin.TabularInline):
    """Rows to look at on the page of another."""

    extra = 0
    can_delete = False

    def has_add_permission(self, *_args: Any) -> bool:
        """Refuse."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


def fields_of(fieldsets: Iterable[tuple[str | None, Mapping[str, Any]]]) -> tuple[str, ...]:
    """Return the fields that a page's sections name."""
    return tuple(name for _title, options in fieldsets for name in options["fields"])


def _as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
