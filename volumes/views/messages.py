"""User messages: list, show, dismiss (contract 06, part 2)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.views import CollectionView, ResourceView
from storage_site.caller import Caller
from volumes.filters import MessageFilters
from volumes.messages import messages
from volumes.serializers.messages import MessageAnswer
from volumes.services import messages as services

NOT_FOUND = "Message {id} could not be found."
SINCE = "3.3"
SORT_KEYS = {"id": "id", "created_at": "finished_at", "guaranteed_until": "finished_at", "request_id": "request_id"}


def visible_to(caller: Caller) -> QuerySet[Any]:
    """Return the messages that the caller may see: all for administrators, the project's for everybody else."""
    return messages() if caller.is_admin else messages().filter(project_id=caller.project_id)


class Messages(CollectionView):
    """The list of messages."""

    since = SINCE
    collection, links_name = "messages", "messages_links"
    identified_by = "id"
    not_found = NOT_FOUND
    filterset_class = MessageFilters
    sort_keys = SORT_KEYS
    writes = MessageAnswer

    def rows(self) -> QuerySet[Any]:
        """Return the messages of the project, whoever asks."""
        return messages().filter(project_id=self.caller.project_id)

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the messages of the project."""
        return self.list(request)


class OneMessage(ResourceView):
    """One message."""

    since = SINCE
    identified_by = "id"
    not_found = NOT_FOUND
    answers = {"DELETE": 204}

    def rows(self) -> QuerySet[Any]:
        """Return every message that the caller may see."""
        return visible_to(self.caller)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the message."""
        return Response({"message": self.written(MessageAnswer, self.get_object())})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Dismiss it."""
        services.dismiss(operation=self.get_object())
        return Empty(204, HTML)
