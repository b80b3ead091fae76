"""Filters of lists: which parameters count for whom, and what each does to the rows."""

import ast
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import django_filters
from django import forms
from django.conf import settings
from django.db.models import F, Q, QuerySet
from rest_framework.request import Request

from storage_site.api.booleans import truth_of
from storage_site.api.expressions import Member
from storage_site.api.fields import DIGITS, UUID_FORM
from storage_site.caller import Caller
from storage_site.errors import InvalidRequest

PAGING = frozenset({"limit", "marker", "offset", "sort", "sort_key", "sort_dir"})
GOVERNED_SINCE = "3.31"
COUNT_SINCE = "3.45"
LIKE = "~"
MOMENT_LOOKUPS = {"gt": "__gt", "gte": "__gte", "eq": "", "lt": "__lt", "lte": "__lte"}


class NoMatchError(Exception):
    """The value cannot be that of any row."""


class Column(django_filters.Filter):
    """Rows whose column is the value, or one of the values where the value is a list literal.

    `since`: the microversion from which the parameter counts; below, it is dropped. `takes_lists`: whether a list
    literal means any of its values.
    """

    field_class = forms.CharField

    def __init__(self, column: str, *, since: str = "3.0", takes_lists: bool = False) -> None:
        super().__init__(field_name=column)
        self.since, self.takes_lists = since, takes_lists

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if none can."""
        del request
        values = _literal(text, list) if self.takes_lists and text.startswith("[") else None
        if values is not None:
            return rows.filter(**{f"{self.field_name}__in": [self.parsed(str(value)) for value in values]})
        return rows.filter(**{self.field_name: self.parsed(text)})

    def resemble(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Return those of `rows` whose column contains `text`. :raises NoMatchError: if no value does."""
        self.parsed(text)
        return rows.filter(**{f"{self.field_name}__icontains": text})

    def parsed(self, text: str) -> Any:
        """Return the value of the column that `text` stands for. :raises NoMatchError: if there is none."""
        return text


class Number(Column):
    """Rows whose whole number is the value."""

    def parsed(self, text: str) -> int:
        """Return the number. :raises NoMatchError: if it is none that the column could hold."""
        if not DIGITS.fullmatch(text) or abs(int(text)) >= 2**63:
            raise NoMatchError
        return int(text)


class Reference(Column):
    """Rows whose id (or a foreign one) is the value."""

    def parsed(self, text: str) -> str:
        """Return the id. :raises NoMatchError: if it is none."""
        if not UUID_FORM.fullmatch(text):
            raise NoMatchError
        return text.lower()


class Flag(Column):
    """Rows for which something holds, or does not; other words are refused."""

    def parsed(self, text: str) -> bool:
        """Return the truth value. :raises InvalidRequest: if it is none."""
        return truth_of(self.field_name, text)


class Pairs(Column):
    """Rows whose JSON column has all the members of a dictionary literal."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if the literal is none."""
        del request
        for number, (key, value) in enumerate(self.pairs(text).items()):
            rows = rows.alias(**{f"_pair_{number}": Member(F(self.field_name), key)}).filter(
                **{f"_pair_{number}": value}
            )
        return rows

    def pairs(self, text: str) -> dict[str, str]:
        """Return the pairs that `text` writes. :raises NoMatchError: if it writes none, or not of texts."""
        pairs = _literal(text, dict)
        if pairs is None or not all(isinstance(each, str) for pair in pairs.items() for each in pair):
            raise NoMatchError
        # SQLite's paths cannot write one, and no key of metadata has one.
        if any('"' in key for key in pairs):
            raise NoMatchError
        return dict(pairs)


class Moment(Column):
    """Rows whose time stands in all the given relations: op:time[,op:time]."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises InvalidRequest: if an operator or a time is none."""
        del request
        for condition in text.split(","):
            operator, colon, written = condition.strip().partition(":")
            if not colon:
                operator, written = "eq", condition.strip()
            moment = self._moment(written)
            if operator == "neq":
                rows = rows.exclude(**{self.field_name: moment})
            elif operator in MOMENT_LOOKUPS:
                rows = rows.filter(**{self.field_name + MOMENT_LOOKUPS[operator]: moment})
            else:
                message = f"Invalid {operator} operator"
                raise InvalidRequest(message)
        return rows

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            message = f"Invalid {self.field_name} value"
            raise InvalidRequest(message) from None


class ContractFilterSet(django_filters.FilterSet):
    """The filters of one list.

    Declared filters are for administrators; those that `settings.RESOURCE_FILTERS[resource]` names are for
    everyone. `governed_since`: the microversion from which an unknown parameter is an error for members.
    """

    resource: ClassVar[str] = ""
    governed_since: ClassVar[str] = GOVERNED_SINCE
    counts: ClassVar[bool] = False

    def is_valid(self) -> bool:
        """Tell that the parameters may be looked at: what is wrong with one is found when it is used."""
        return True

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that match every parameter that counts.

        :raises InvalidRequest: if a parameter is not accepted, or its value is refused.
        """
        for key, text in self._accepted(self._given()).items():
            try:
                queryset = self._narrowed(queryset, key, text)
            except NoMatchError:
                return queryset.none()
        return queryset

    @property
    def qs(self) -> QuerySet[Any]:
        """Return the rows that match."""
        if not hasattr(self, "_qs"):
            self._qs = self.filter_queryset(self.queryset)
        return self._qs

    @property
    def configured(self) -> tuple[str, ...]:
        """Return the parameters that count for everyone."""
        return tuple(settings.RESOURCE_FILTERS.get(self.resource, ()))

    def _given(self) -> dict[str, str]:
        ignored = PAGING | {"all_tenants"}
        if self.counts and self.request.version.covers(COUNT_SINCE):
            ignored |= {"with_count"}
        return {key: text for key, text in self.data.items() if key not in ignored}

    def _accepted(self, given: dict[str, str]) -> dict[str, str]:
        """Return those of the parameters that count for this caller and version."""
        version = self.request.version
        is_governed = version.covers(self.governed_since)
        if is_governed and not all(key.isascii() for key in given):
            raise InvalidRequest("Filter keys can only contain ASCII characters.")
        if not version.covers(GOVERNED_SINCE):
            given = {key: text for key, text in given.items() if not key.endswith(LIKE)}
        given = {key: text for key, text in given.items() if self._exists(key)}
        caller: Caller = self.request.user
        if caller.is_admin:
            return given
        unknown = [key for key in given if key not in self.configured]
        if unknown and is_governed:
            message = f"Invalid filters {','.join(unknown)} are found in query options."
            raise InvalidRequest(message)
        return {key: text for key, text in given.items() if key not in unknown}

    def _exists(self, key: str) -> bool:
        declared = self.filters.get(key)
        return declared is None or self.request.version.covers(declared.since)

    def _narrowed(self, queryset: QuerySet[Any], key: str, text: str) -> QuerySet[Any]:
        declared = self.filters.get(key.removesuffix(LIKE))
        if declared is None or "\0" in text:
            raise NoMatchError
        if key.endswith(LIKE):
            return declared.resemble(queryset, text)
        return declared.narrow(queryset, text, self.request)


def of_project_or_all(rows: QuerySet[Any], request: Request) -> QuerySet[Any]:
    """Return those of `rows` that a list is about: the caller's project, or all where an administrator says so.

    :raises InvalidRequest: if the administrator's `all_tenants` is no truth value.
    """
    caller: Any = request.user
    given: Mapping[str, str] = request.query_params
    if caller.is_admin and "all_tenants" in given and truth_of("all_tenants", given["all_tenants"] or "true"):
        return rows
    return rows.filter(Q(project_id=caller.project_id))


def _literal(text: str, kind: type[Any]) -> Any:
    """Return the value that `text` writes as JSON or as Python does, None if it is no `kind`."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, kind):
            return value
    return None
