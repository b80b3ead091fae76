"""Volumes: list, create, show, change, delete (contract 02)."""

from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.booleans import truth_of
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import ApiView, CollectionView, ResourceView
from storage_site.errors import InvalidRequest, NotFound
from storage_site.operations.heartbeat import VOLUME
from storage_site.operations.models import Service
from volumes import lookups, summary
from volumes.filters import VolumeFilters
from volumes.groups import lookups as group_lookups
from volumes.models import Attachment, Volume
from volumes.serializers.volumes import VolumeAnswer, VolumeCreate, VolumeDetail, VolumeSummary, VolumeUpdate
from volumes.services import volumes as services

NOT_FOUND = "Volume {id} could not be found."
SORT_KEYS = {
    "id": "id",
    "status": "status",
    "size": "size_gib",
    "availability_zone": "availability_zone",
    "name": "name",
    "display_name": "name",
    "bootable": "is_bootable",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "description": "description",
    "user_id": "user_id",
    "project_id": "project_id",
}


def in_full(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return `rows` with everything that the answers about volumes show."""
    service = Service.objects.filter(binary=VOLUME, backend=OuterRef("backend")).values("uuid")[:1]
    shown = Prefetch("attachments", Attachment.objects.filter(is_listed=True, status="attached"), "shown_attachments")
    return rows.annotate(service_uuid=Subquery(service)).select_related("volume_type", "group").prefetch_related(shown)


class VolumeCollection(CollectionView):
    """What the two lists of volumes share."""

    collection, links_name = "volumes", "volumes_links"
    sort_keys = SORT_KEYS
    counts_since = "3.45"
    not_found = NOT_FOUND
    filterset_class = VolumeFilters

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return Volume.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the volumes of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class Volumes(VolumeCollection):
    """The short list of volumes, and the way to create one."""

    writes = VolumeSummary
    reads = {"POST": VolumeCreate}
    refuses = {"POST": (500,)}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the volumes of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Create a volume; its back-end does the work later."""
        values = self.values()
        group = group_lookups.membership_of(self.caller, values)
        source = lookups.source_of(self.caller, values)
        volume = services.create_volume(
            caller=self.caller,
            size_gib=lookups.size_of(values, source),
            source=source,
            group=group,
            name=values.get("name"),
            description=values.get("description"),
            volume_type=lookups.type_of(self.caller, values.get("volume_type")),
            availability_zone=values.get("availability_zone"),
            metadata=values.get("metadata"),
            hints=values.get("scheduler_hints"),
        )
        return Response({"volume": self.written(VolumeAnswer, volume)}, status=202)


class VolumesInFull(VolumeCollection):
    """The list of volumes with everything about each."""

    writes = VolumeDetail

    def get_queryset(self) -> QuerySet[Any]:
        """Return the same volumes, with what is shown of them."""
        return in_full(super().get_queryset())

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the volumes of the project in full."""
        return self.list(request)


class Summary(ApiView):
    """How many volumes there are, and how large they are together."""

    since = "3.12"

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Answer with the figures of the project; of all, where an administrator asks for them."""
        rows = of_project_or_all(Volume.objects.visible_to(self.caller), request)
        return Response({"volume-summary": summary.of(rows, with_metadata=request.version.covers("3.36"))})


class OneVolume(ResourceView):
    """One volume."""

    pages = {"Actions": "action", "Metadata": "metadata"}
    not_found = NOT_FOUND
    reads = {"PUT": VolumeUpdate}
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return in_full(Volume.objects.visible_to(self.caller))

    def rule_key(self) -> str:
        """Return the method; deleting by force is a call of its own."""
        return "DELETE by force" if self._is_forced() else super().rule_key()

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the volume."""
        return Response({"volume": self.written(VolumeDetail, self.get_object())})

    def put(self, request: Request, **_kwargs: Any) -> Response:
        """Change the volume's name, description or metadata."""
        changes = self.values()
        if not changes and request.version.covers("3.53"):
            raise InvalidRequest
        volume = services.update_volume(volume=self.get_object(), caller=self.caller, **changes)
        return Response({"volume": self.written(VolumeAnswer, volume)})

    def delete(self, request: Request, **_kwargs: Any) -> Empty:
        """Delete the volume; its back-end does the work later."""
        services.delete_volume(
            volume=self.get_object(),
            caller=self.caller,
            force=self._is_forced(),
            cascade=truth_of("cascade", request.query_params.get("cascade", "false")),
        )
        return Empty(202, HTML)

    def _is_forced(self) -> bool:
        if self.request.method != "DELETE" or not self.request.version.covers("3.23"):
            return False
        return truth_of("force", self.request.query_params.get("force", "false"))


class Encryption(ResourceView):
    """How a volume is encrypted: none is."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return Volume.objects.visible_to(self.caller)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Say that there is no key."""
        return Response({"encryption_key_id": None})


class EncryptionField(Encryption):
    """One member of how a volume is encrypted."""

    def get(self, _request: Request, **kwargs: Any) -> Response:  # type: ignore[override]
        """Answer with its bare value. :raises NotFound: for every member but the key."""
        if kwargs["key"] != "encryption_key_id":
            raise NotFound
        return Empty(200, HTML)
