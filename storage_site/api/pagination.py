"""Pages of a list: `limit`, `marker`, `offset` and the sort parameters, by key and not by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import F, Model, Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api import links
from storage_site.api.booleans import truth_of
from storage_site.api.fields import DIGITS, LARGEST, UUID_FORM
from storage_site.errors import InvalidRequest, NotFound

TIE_BREAK = "id"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by, and which way; rows without a value count as the smallest."""

    column: str
    descending: bool
    is_nullable: bool

    def ordering(self) -> Any:
        """Return the term for ORDER BY; columns that are never null keep to what an index offers."""
        column = F(self.column)
        if self.descending:
            return column.desc(nulls_last=True) if self.is_nullable else column.desc()
        return column.asc(nulls_first=True) if self.is_nullable else column.asc()

    def equals(self, value: Any) -> Q:
        """Return the condition of standing level with `value`."""
        return Q(**{f"{self.column}__isnull": True}) if value is None else Q(**{self.column: value})

    def follows(self, value: Any) -> Q | None:
        """Return the condition of coming after `value`, None where nothing can."""
        is_null = Q(**{f"{self.column}__isnull": True})
        if value is None:
            return None if self.descending else ~is_null
        if not self.descending:
            return Q(**{f"{self.column}__gt": value})
        smaller = Q(**{f"{self.column}__lt": value})
        return smaller | is_null if self.is_nullable else smaller

    def not_before(self, value: Any) -> Q | None:
        """Return the bound that lets an index skip what lies before `value`, None where there is none."""
        if value is None or self.is_nullable:
            return None
        return Q(**{f"{self.column}__{'lte' if self.descending else 'gte'}": value})


class MarkerPagination(BasePagination):
    """Cuts a list at the marker, which is the last item of the page before."""

    view: Any = None

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that `request` asks for.

        :raises InvalidRequest: if one of the parameters is malformed.
        :raises NotFound: if the marker is unknown.
        """
        self.request, self.view = request, view
        parameters = request.query_params
        self.limit = limit_of(parameters)
        offset = offset_of(parameters)
        keys = sort_keys(parameters, queryset.model, view.sort_keys)
        self.total = queryset.count() if self._is_counted() else None
        marker = parameters.get("marker")
        if marker is not None:
            queryset = self._after(queryset, keys, marker)
        ordered = queryset.order_by(*(key.ordering() for key in keys))
        self.page = list(ordered[offset : offset + self.limit]) if self.limit else []
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        """Return the answer with the items, and the link to what follows."""
        members = {self.view.collection: data}
        reached = len(self.page) if self.total is None else self.total
        if self.view.links_name and self.page and reached >= self.limit:
            members[self.view.links_name] = links.of_next_page(self.request, self._identity(self.page[-1]))
        if self.total is not None:
            members["count"] = self.total
        return Response(members)

    def get_results(self, data: Any) -> Any:
        """Return the items in the body of an answer, for the browsable API. :raises KeyError: if it is no list."""
        if self.view is None:
            raise KeyError
        return data[self.view.collection]

    def _identity(self, row: Any) -> str:
        return str(getattr(row, self.view.identified_by))

    def _is_counted(self) -> bool:
        since = self.view.counts_since
        if since is None or not self.request.version.covers(since):
            return False
        given = self.request.query_params.get("with_count")
        return given is not None and truth_of("with_count", given)

    def _after(self, queryset: QuerySet[Any], keys: Sequence[SortKey], marker: str) -> QuerySet[Any]:
        is_id = UUID_FORM.fullmatch(marker)
        last = self.view.rows().filter(**{self.view.identified_by: marker.lower()}).first() if is_id else None
        if last is not None:
            return queryset.filter(_follows(keys, last))
        if self.view.refuses_unknown_marker:
            raise NotFound(self.view.not_found.format(id=marker))
        return queryset


def sort_keys(parameters: Any, model: type[Model], allowed: Any) -> list[SortKey]:
    """Return what the parameters ask to sort by, the id at last. :raises InvalidRequest: if they are malformed."""
    keys = []
    for name, direction in sort_pairs(parameters):
        if name not in allowed:
            raise InvalidRequest("Invalid input received: Invalid sort key")
        column = allowed[name]
        keys.append(SortKey(column, direction == "desc", _is_nullable(model, column)))
    if not any(_is_unique(model, key.column) for key in keys):
        keys.append(SortKey(TIE_BREAK, keys[-1].descending, is_nullable=False))
    return keys


def sort_pairs(parameters: Any, *, default: str = "created_at") -> list[tuple[str, str]]:
    """Return names and directions to sort by. :raises InvalidRequest: if the parameters are malformed."""
    pairs = _named_pairs(parameters, default)
    if any(direction not in {"asc", "desc"} for _, direction in pairs):
        raise InvalidRequest("Invalid input received: Unknown sort direction, must be 'desc' or 'asc'.")
    return pairs


def _named_pairs(parameters: Any, default: str) -> list[tuple[str, str]]:
    if "sort" in parameters:
        if "sort_key" in parameters or "sort_dir" in parameters:
            raise InvalidRequest(
                "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter."
            )
        split = [part.strip().partition(":") for part in parameters["sort"].split(",")]
        return [(name, direction if colon else "desc") for name, colon, direction in split]
    names = [name.strip() for name in parameters.getlist("sort_key")] or [default]
    directions = [direction.strip() for direction in parameters.getlist("sort_dir")] or ["desc"]
    if len(directions) > len(names):
        raise InvalidRequest("Invalid input received: Sort direction array size exceeds sort key array size.")
    directions += directions[:1] * (len(names) - len(directions))
    return list(zip(names, directions, strict=True))


def _is_unique(model: type[Model], column: str) -> bool:
    return "__" not in column and bool(getattr(model._meta.get_field(column), "unique", False))  # noqa: SLF001 - public


def _is_nullable(model: type[Model], column: str) -> bool:
    field: Any = model._meta.get_field(column.split("__", maxsplit=1)[0])  # noqa: SLF001 - Django's public API
    return bool(field.null)


def _follows(keys: Sequence[SortKey], last: Model) -> Q:
    """Return the condition of coming after `last`: level with it in some keys and after it in the next."""
    level = Q()
    alternatives = []
    values = [_value(last, key.column) for key in keys]
    for key, value in zip(keys, values, strict=True):
        further = key.follows(value)
        if further is not None:
            alternatives.append(level & further)
        level &= key.equals(value)
    bound = keys[0].not_before(values[0])
    found = reduce(or_, alternatives, Q(pk__in=()))
    return bound & found if bound is not None else found


def _value(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name) if row is not None else None
    return row


def limit_of(parameters: Any) -> int:
    """Return how long a page may be. :raises InvalidRequest: if the parameter is malformed."""
    given = parameters.get("limit")
    if given is None:
        return int(settings.API_MAX_LIMIT)
    limit = _whole_number(given, "limit param must be an integer")
    if limit < 0:
        raise InvalidRequest("limit param must be positive")
    return min(limit, int(settings.API_MAX_LIMIT))


def offset_of(parameters: Any) -> int:
    """Return how many items are left out first. :raises InvalidRequest: if the parameter is malformed."""
    offset = _whole_number(parameters.get("offset", "0"), "offset must be an integer")
    if offset < 0:
        raise InvalidRequest("offset must be >= 0")
    if offset > LARGEST:
        message = f"offset must be <= {LARGEST}"
        raise InvalidRequest(message)
    return offset


def _whole_number(text: str, refusal: str) -> int:
    if not DIGITS.fullmatch(text):
        raise InvalidRequest(refusal)
    return int(text)
