"""Snapshots of consistency groups: the older calls (contract 06, section 8)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import CollectionView, ResourceView
from volumes.groups import lookups as group_lookups
from volumes.groups.filters import ConsistencySnapshotFilters
from volumes.models import GroupSnapshot
from volumes.models.group_types import RESERVED_ID
from volumes.serializers import consistency_groups as shapes
from volumes.serializers.group_snapshots import GroupSnapshotSummary
from volumes.services import group_snapshots as services
from volumes.views.group_snapshots import SORT_KEYS

NOT_FOUND = "CgSnapshot {id} could not be found."


class ConsistencySnapshotCollection(CollectionView):
    """What the two lists of snapshots of consistency groups share."""

    collection, links_name = "cgsnapshots", "cgsnapshot_links"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = ConsistencySnapshotFilters

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a consistency group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller).filter(group__group_type=RESERVED_ID)

    def get_queryset(self) -> QuerySet[Any]:
        """Return those of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class ConsistencySnapshots(ConsistencySnapshotCollection):
    """The short list of snapshots of consistency groups, and the way to make one."""

    writes = GroupSnapshotSummary
    reads = {"POST": shapes.ConsistencySnapshotCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project's consistency groups."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Keep what the volumes of a consistency group hold; their back-end does the work later."""
        values = self.values()
        group = group_lookups.consistency_group_of(self.caller, values.pop("consistencygroup_id"))
        made = services.create_group_snapshot(caller=self.caller, group=group, **values)
        return Response({"cgsnapshot": self.written(GroupSnapshotSummary, made)}, status=202)


class ConsistencySnapshotsInFull(ConsistencySnapshotCollection):
    """The list of snapshots of consistency groups with everything about each."""

    writes = shapes.ConsistencySnapshotDetail

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the snapshots of the project's consistency groups in full."""
        return self.list(request)


class OneConsistencySnapshot(ResourceView):
    """One snapshot of a consistency group."""

    not_found = NOT_FOUND
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a consistency group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller).filter(group__group_type=RESERVED_ID)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        return Response({"cgsnapshot": self.written(shapes.ConsistencySnapshotDetail, self.get_object())})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Delete it; the back-end does the work later."""
        services.delete_group_snapshot(group_snapshot=self.get_object(), caller=self.caller)
        return Empty(202, HTML)
