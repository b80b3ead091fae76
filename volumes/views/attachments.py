"""Attachments: reserve, connect, complete, delete (contract 03, part 2)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.actions import ActionView, action
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import CollectionView, ResourceView
from storage_site.errors import NotFound
from volumes import lookups
from volumes.filters import AttachmentFilters
from volumes.models import Attachment
from volumes.serializers.attachments import AttachmentAnswer, AttachmentCreate, AttachmentSummary, AttachmentUpdate
from volumes.services import attachments as services

NOT_FOUND = "Volume attachment could not be found with filter: attachment_id = {id}."
SINCE = "3.27"
SORT_KEYS = {
    "id": "id",
    "volume_id": "volume_id",
    "instance_id": "instance_id",
    "attach_status": "status",
    "attach_mode": "attach_mode",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


class AttachmentCollection(CollectionView):
    """What the two lists of attachments share; neither has links to further pages."""

    since = SINCE
    collection = "attachments"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = AttachmentFilters

    def rows(self) -> QuerySet[Any]:
        """Return every attachment that the caller may see."""
        return Attachment.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the attachments of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class Attachments(AttachmentCollection):
    """The short list of attachments, and the way to make one."""

    writes = AttachmentSummary
    reads = {"POST": AttachmentCreate}
    refuses = {"POST": (500,)}
    waits = frozenset({"POST"})
    resumes = True

    def waits_for_worker(self) -> bool:
        """Tell whether the call waits: without a connector there is nothing to wait for."""
        match self.body():
            case {"attachment": {"connector": dict() as connector}}:
                return bool(connector) and super().waits_for_worker()
        return False

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the attachments of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Reserve a volume; with a connector, let its host in as well."""
        values = self.values()
        instance = values.get("instance_uuid")
        attachment = services.create_attachment(
            caller=self.caller,
            volume=lookups.volume_of(self.caller, values["volume_uuid"]),
            instance_id=UUID(instance) if instance else None,
            connector=values.get("connector"),
            mode=values.get("mode"),
        )
        return Response({"attachment": self.written(AttachmentAnswer, attachment)})

    def resume(self, identity: str) -> Response:
        """Answer with the attachment that was made before, connected as it was to be."""
        attachment = self.rows().filter(pk=identity).first()
        if attachment is None:
            raise NotFound(NOT_FOUND.format(id=identity))
        if not attachment.connection_info:
            connector = self.values()["connector"]
            services.connect_attachment(attachment=attachment, connector=connector, caller=self.caller)
        return Response({"attachment": self.written(AttachmentAnswer, attachment)})


class AttachmentsInFull(AttachmentCollection):
    """The list of attachments with everything about each."""

    writes = AttachmentAnswer

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the attachments of the project in full."""
        return self.list(request)


class OneAttachment(ResourceView):
    """One attachment."""

    pages = {"Actions": "action"}
    since = SINCE
    not_found = NOT_FOUND
    reads = {"PUT": AttachmentUpdate}
    refuses = {"PUT": (500,), "DELETE": (500,)}
    waits = frozenset({"PUT", "DELETE"})

    def rows(self) -> QuerySet[Any]:
        """Return every attachment that the caller may see."""
        return Attachment.objects.visible_to(self.caller).select_related("volume")

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the attachment."""
        return Response({"attachment": self.written(AttachmentAnswer, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Let the connector's host in."""
        values = self.values()
        attachment = services.connect_attachment(attachment=self.get_object(), caller=self.caller, **values)
        return Response({"attachment": self.written(AttachmentAnswer, attachment)})

    def delete(self, _request: Request, **_kwargs: Any) -> Response:
        """Shut the host out, and show what attachments the volume has left."""
        remaining = services.delete_attachment(attachment=self.get_object(), caller=self.caller)
        return Response({"attachments": self.written(AttachmentSummary, remaining, many=True)})


class AttachmentActions(ActionView):
    """What may be done with an attachment, by name."""

    since = SINCE
    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every attachment that the caller may see."""
        return Attachment.objects.visible_to(self.caller).select_related("volume")

    @action("os-complete", since="3.44", status=204)
    def complete(self, attachment: Attachment) -> None:
        """Record that the host uses the volume now."""
        services.complete_attachment(attachment=attachment, caller=self.caller)
