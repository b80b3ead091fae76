"""Snapshots: create, list, show, change, delete (contract 03, part 1)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.actions import ActionView, action
from storage_site.api.answers import HTML, Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import CollectionView, ResourceView
from storage_site.errors import InvalidRequest, NotFound
from volumes import lookups
from volumes.errors import InvalidInput, VolumeNotFound
from volumes.filters import SnapshotFilters
from volumes.models import Snapshot
from volumes.serializers import snapshots as shapes
from volumes.services import managing
from volumes.services import snapshots as services

NOT_FOUND = "Snapshot {id} could not be found."
IN_USE_SINCE = "3.66"
SORT_KEYS = {
    "id": "id",
    "status": "status",
    "volume_size": "size_gib",
    "volume_id": "volume_id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "display_name": "name",
}


class SnapshotCollection(CollectionView):
    """What the two lists of snapshots share."""

    collection, links_name = "snapshots", "snapshots_links"
    counts_since = "3.45"
    not_found = NOT_FOUND
    filterset_class = SnapshotFilters

    @property
    def sort_keys(self) -> Mapping[str, str]:  # type: ignore[override]
        """Return what the list may be sorted by; the name came late."""
        return {**SORT_KEYS, "name": "name"} if self.request.version.covers("3.30") else SORT_KEYS

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot that the caller may see."""
        return Snapshot.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the snapshots of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class Snapshots(SnapshotCollection):
    """The short list of snapshots, and the way to make one."""

    writes = shapes.SnapshotSummary
    reads = {"POST": shapes.SnapshotCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project."""
        return self.list(request)

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Keep what a volume holds; its back-end does the work later."""
        values = self.values()
        if values["volume_id"] is None:
            raise VolumeNotFound(None)
        snapshot = services.create_snapshot(
            caller=self.caller,
            volume=lookups.volume_of(self.caller, values["volume_id"]),
            name=values.get("name"),
            description=values.get("description"),
            metadata=values.get("metadata"),
            is_in_use_admitted=_admits_in_use(request, force=values.get("force")),
        )
        return Response({"snapshot": self.written(shapes.SnapshotAnswer, snapshot)}, status=202)


def _admits_in_use(request: Request, *, force: bool | None) -> bool:
    """Tell whether a volume in use may be kept as well: when forced, and without asking since 3.66."""
    if not request.version.covers(IN_USE_SINCE):
        return bool(force)
    if force is False:
        raise InvalidInput("'force' no longer serves a purpose; it may only be true.")
    return True


class SnapshotsInFull(SnapshotCollection):
    """The list of snapshots with everything about each."""

    writes = shapes.SnapshotDetail

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project in full."""
        return self.list(request)


class SnapshotView(ResourceView):
    """What the paths of one snapshot share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot that the caller may see."""
        return Snapshot.objects.visible_to(self.caller)


class OneSnapshot(SnapshotView):
    """One snapshot."""

    pages = {"Actions": "action", "Metadata": "metadata"}
    reads = {"PUT": shapes.SnapshotUpdate}
    answers = {"DELETE": 202}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the snapshot."""
        return Response({"snapshot": self.written(shapes.SnapshotDetail, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Change the snapshot's name or description."""
        snapshot = services.update_snapshot(snapshot=self.get_object(), caller=self.caller, **self.values())
        return Response({"snapshot": self.written(shapes.SnapshotAnswer, snapshot)})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Delete the snapshot; its back-end does the work later."""
        services.delete_snapshot(snapshot=self.get_object(), caller=self.caller)
        return Empty(202, HTML)


class SnapshotMetadata(SnapshotView):
    """All the metadata of a snapshot."""

    reads = {"POST": shapes.SnapshotMetadataBody, "PUT": shapes.SnapshotMetadataBody}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        return Response({"metadata": self.get_object().metadata})

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Add pairs, or replace some."""
        merged = services.merge_metadata(snapshot=self.get_object(), caller=self.caller, **self.values())
        return Response({"metadata": merged})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Replace all of it."""
        replaced = services.replace_metadata(snapshot=self.get_object(), caller=self.caller, **self.values())
        return Response({"metadata": replaced})


class SnapshotMetadataPair(SnapshotView):
    """One pair of the metadata of a snapshot."""

    reads = {"PUT": shapes.SnapshotMetadataItem}

    def value(self, key: str) -> str:
        """Return the value of `key`. :raises NotFound: if there is none."""
        snapshot = self.get_object()
        if key not in snapshot.metadata:
            raise NotFound(f"Snapshot {snapshot.pk} has no metadata with key {key}.")
        return str(snapshot.metadata[key])

    def in_form(self) -> dict[str, Any]:
        """Return the pair; a form can add one that is not there."""
        key = str(self.kwargs["key"])
        return {"meta": {key: self.get_object().metadata.get(key, "")}}

    def get(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Show the pair."""
        return Response({"meta": {key: self.value(key)}})

    def put(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Write the pair, which must be the one that the path names."""
        pair = self.values()["meta"]
        if set(pair) != {key}:
            raise InvalidRequest("Request body and URI mismatch")
        services.merge_metadata(snapshot=self.get_object(), metadata=pair, caller=self.caller)
        return Response({"meta": pair})

    def delete(self, _request: Request, key: str, **_kwargs: Any) -> Empty:
        """Remove the pair."""
        self.value(key)
        services.delete_metadata(snapshot=self.get_object(), key=key, caller=self.caller)
        return Empty(200, HTML)


class SnapshotActions(ActionView):
    """What may be done with a snapshot, by name."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot that the caller may see."""
        return Snapshot.objects.visible_to(self.caller)

    @action("os-reset_status", reads=shapes.SnapshotResetStatus)
    def reset_status(self, snapshot: Snapshot, status: str) -> None:
        """Set the record straight by hand."""
        services.reset_status(snapshot=snapshot, status=status, caller=self.caller)

    @action("os-force_delete")
    def force_delete(self, snapshot: Snapshot) -> None:
        """Delete the snapshot whatever its status is."""
        services.delete_snapshot(snapshot=snapshot, caller=self.caller, force=True)

    @action("os-unmanage")
    def unmanage(self, snapshot: Snapshot) -> None:
        """Forget the snapshot, and leave its data where they are."""
        managing.unmanage_snapshot(snapshot=snapshot, caller=self.caller)

    @action("os-update_snapshot_status", reads=shapes.SnapshotUpdateStatus)
    def update_status(self, snapshot: Snapshot, status: str, progress: str = "") -> None:
        """Record how far another service is with it."""
        services.update_status(snapshot=snapshot, status=status, progress=progress, caller=self.caller)
