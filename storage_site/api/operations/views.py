"""Operations: list, show, call off. They are this service's own resource, the same in all versions."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.operations.filters import OperationFilters
from storage_site.api.operations.serializers import OperationAnswer
from storage_site.api.views import CollectionView, ResourceView
from storage_site.caller import Caller
from storage_site.operations.calling_off import call_off
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from storage_site.watching.models import Canary

NOT_FOUND = "Operation {id} could not be found."
# They are accepted in the order of their serials.
SORT_KEYS = {"created_at": "serial", "finished_at": "finished_at", "id": "id"}


def visible_to(caller: Caller) -> "QuerySet[Operation]":
    """Return the operations that the caller may see: all for administrators, the project's for everybody else.

    What the service does to see that its workers live is nobody's.
    """
    rows = Operation.objects.exclude(resource_type=label_of(Canary))
    return rows if caller.is_admin else rows.filter(project_id=caller.project_id)


class Operations(CollectionView):
    """The list of operations, the newest first."""

    collection, links_name = "operations", "operations_links"
    identified_by = "id"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = OperationFilters
    writes = OperationAnswer

    def rows(self) -> QuerySet[Any]:
        """Return every operation that the caller may see."""
        return visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the operations of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the operations of the project, the newest first."""
        return self.list(request)


class OneOperation(ResourceView):
    """One operation."""

    envelope = "operation"
    identified_by = "id"
    not_found = NOT_FOUND
    writes = OperationAnswer
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every operation that the caller may see."""
        return visible_to(self.caller)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show what is being done, how far it is and when it will be done."""
        return Response({"operation": self.written(OperationAnswer, self.get_object())})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Call the operation off: its resource is left as after a failure, and what was begun is cleaned up."""
        call_off(operation=self.get_object(), caller=self.caller)
        return Empty(202, HTML)
