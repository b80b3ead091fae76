"""Filters whose choices are known beforehand: offering them costs no look at a large table."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

_EMPTY = "-"


class KnownValues(admin.SimpleListFilter):
    """A filter by column `field`, with the choices that `values` returns."""

    field = ""

    def values(self) -> Iterable[str]:
        """Return the choices."""
        raise NotImplementedError

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices as Django wants them."""
        return [(value or _EMPTY, value or "none") for value in self.values()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the rows chosen."""
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(**{self.field: "" if chosen == _EMPTY else chosen})


class TrueOrFalse(KnownValues):
    """A filter by a boolean column, with words instead of yes and no."""

    if_true = if_false = ""

    def values(self) -> Iterable[str]:
        """Return the two words."""
        return (self.if_true, self.if_false)

    def queryset(self, _request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the rows chosen."""
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(**{self.field: chosen == self.if_true})
