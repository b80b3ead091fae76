"""Snapshots of groups: create, list, show, delete (contract 06, section 7)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.actions import ActionView, action
from storage_site.api.answers import HTML, Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import CollectionView, ResourceView
from volumes.groups import lookups as group_lookups
from volumes.groups.filters import GroupSnapshotFilters
from volumes.models import GroupSnapshot
from volumes.serializers import group_snapshots as shapes
from volumes.services import group_snapshots as services

NOT_FOUND = "GroupSnapshot {id} could not be found."
SINCE = "3.14"
SORT_KEYS = {
    "id": "id",
    "name": "name",
    "status": "status",
    "group_id": "group_id",
    "description": "description",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "user_id": "user_id",
    "project_id": "project_id",
}


class GroupSnapshotCollection(CollectionView):
    """What the two lists of snapshots of groups share."""

    since = SINCE
    collection, links_name = "group_snapshots", "group_snapshot_links"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = GroupSnapshotFilters

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller).select_related("group")

    def get_queryset(self) -> QuerySet[Any]:
        """Return those of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class GroupSnapshots(GroupSnapshotCollection):
    """The short list of snapshots of groups, and the way to make one."""

    writes = shapes.GroupSnapshotSummary
    reads = {"POST": shapes.GroupSnapshotCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project's groups."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Keep what the volumes of a group hold; their back-end does the work later."""
        values = self.values()
        group = group_lookups.group_of(self.caller, values.pop("group_id"))
        group_snapshot = services.create_group_snapshot(caller=self.caller, group=group, **values)
        return Response({"group_snapshot": self.written(shapes.CreatedGroupSnapshot, group_snapshot)}, status=202)


class GroupSnapshotsInFull(GroupSnapshotCollection):
    """The list of snapshots of groups with everything about each."""

    writes = shapes.GroupSnapshotDetail

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project's groups in full."""
        return self.list(request)


class OneGroupSnapshot(ResourceView):
    """One snapshot of a group."""

    since = SINCE
    pages = {"Actions": "action", "Timeline": "timeline"}
    not_found = NOT_FOUND
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller).select_related("group")

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        return Response({"group_snapshot": self.written(shapes.GroupSnapshotDetail, self.get_object())})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Delete it; the back-end does the work later."""
        services.delete_group_snapshot(group_snapshot=self.get_object(), caller=self.caller)
        return Empty(202, HTML)


class GroupSnapshotActions(ActionView):
    """What may be done with a snapshot of a group, by name."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller)

    @action("reset_status", reads=shapes.GroupSnapshotResetStatus, since="3.19")
    def reset_status(self, group_snapshot: GroupSnapshot, status: str) -> None:
        """Set the record straight by hand."""
        services.reset_status(group_snapshot=group_snapshot, status=status, caller=self.caller)
