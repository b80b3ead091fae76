"""Transfers: offer, list, show, take back, accept (contract 06, part 3), at both of their paths."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.fields import UUID_FORM
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import ApiView, CollectionView, ResourceView
from volumes import lookups
from volumes.errors import TransferNotFound
from volumes.filters import TransferFilters
from volumes.models import Transfer
from volumes.serializers import transfers as shapes
from volumes.services import transfers as services

NOT_FOUND = "Transfer {id} could not be found."


class TransferCollection(CollectionView):
    """What the two lists of offers share."""

    collection = "transfers"
    not_found = NOT_FOUND
    filterset_class = TransferFilters
    sort_keys = {
        "id": "id",
        "name": "name",
        "display_name": "name",
        "volume_id": "volume_id",
        "created_at": "created_at",
    }

    def rows(self) -> QuerySet[Any]:
        """Return every offer that the caller may see."""
        return Transfer.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the offers of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class OlderTransfers(TransferCollection):
    """The short list of offers, and the way to make one."""

    writes = shapes.TransferSummary
    reads = {"POST": shapes.OlderTransferCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the offers of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Offer a volume; only this answer has the key."""
        values = self.values()
        transfer, key = services.create_transfer(
            caller=self.caller,
            volume=lookups.volume_of(self.caller, values["volume_id"]),
            name=values.get("name"),
            without_snapshots=values.get("no_snapshots", False),
        )
        return Response({"transfer": {**self.written(shapes.TransferDetail, transfer), "auth_key": key}}, status=202)


class Transfers(OlderTransfers):
    """The same at the newer path, where snapshots may stay behind."""

    reads = {"POST": shapes.TransferCreate}


class TransfersInFull(TransferCollection):
    """The list of offers with all there is to know."""

    writes = shapes.TransferDetail

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the offers of the project."""
        return self.list(request)


class OneTransfer(ResourceView):
    """One offer."""

    not_found = NOT_FOUND
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every offer that the caller may see."""
        return Transfer.objects.visible_to(self.caller)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the offer."""
        return Response({"transfer": self.written(shapes.TransferDetail, self.get_object())})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Take the offer back."""
        services.delete_transfer(transfer=self.get_object(), caller=self.caller)
        return Empty(202, HTML)


class TransferAcceptance(ApiView):
    """Taking an offer, which those who may cannot see."""

    reads = {"POST": shapes.TransferAccept}
    answers = {"POST": 202}

    def post(self, _request: Request, id: str, **_kwargs: Any) -> Response:  # noqa: A002 - the path's word
        """Make the volume the caller's."""
        auth_key = self.values()["auth_key"]
        if not UUID_FORM.fullmatch(id):
            raise TransferNotFound(id)
        transfer = services.accept_transfer(caller=self.caller, transfer_id=id.lower(), auth_key=auth_key)
        return Response({"transfer": self.written(shapes.TransferSummary, transfer)}, status=202)
