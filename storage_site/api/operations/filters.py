"""What the list of operations may be narrowed by."""

from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request

from storage_site.api.booleans import truth_of
from storage_site.api.filters import Column, ContractFilterSet, Flag, Moment, NoMatchError, Reference
from storage_site.operations import standing
from storage_site.operations.models import Operation
from storage_site.operations.resources import Resource


class Kind(Column):
    """Operations about one kind of resource."""

    def parsed(self, text: str) -> str:
        """Return what rows call the kind `text`. :raises NoMatchError: if there is none."""
        kinds = (model._meta for model in apps.get_models() if issubclass(model, Resource))  # noqa: SLF001 - documented
        label = next((kind.label_lower for kind in kinds if kind.model_name == text), None)
        if label is None:
            raise NoMatchError
        return str(label)


class Status(Column):
    """Operations that stand as the word says at this moment."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises NoMatchError: if the word is none."""
        del request
        if text not in standing.WORDS:
            raise NoMatchError
        return rows.filter(standing.condition(text, timezone.now()))


class Unfinished(Flag):
    """Operations that have not ended, or those that have."""

    def narrow(self, rows: QuerySet[Any], text: str, request: Request) -> QuerySet[Any]:
        """Return those of `rows` that match. :raises InvalidRequest: if the text is no truth value."""
        del request
        return rows.filter(outcome="") if truth_of("unfinished", text) else rows.exclude(outcome="")


class OperationFilters(ContractFilterSet):
    """Filters of the list of operations: this service's own, so all of them are for everyone."""

    governed_since = "3.0"

    id = Reference("id")
    resource_id = Reference("resource_id")
    resource_type = Kind("resource_type")
    verb = Column("verb", takes_lists=True)
    outcome = Column("outcome", takes_lists=True)
    unfinished = Unfinished("outcome")
    status = Status("outcome")
    fault_code = Column("fault_code", takes_lists=True)
    created_at = Moment("created_at")
    project_id = Column("project_id")

    class Meta:
        model = Operation
        fields = ()

    @property
    def configured(self) -> tuple[str, ...]:
        """Return the parameters that count for everyone."""
        return tuple(self.base_filters)
