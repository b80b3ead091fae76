"""Consistency groups: the older calls, for groups of the reserved type (contract 06, section 8)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import ApiView, CollectionView, ResourceView
from volumes import lookups
from volumes.groups import lookups as group_lookups
from volumes.groups.filters import ConsistencyGroupFilters
from volumes.models import Group
from volumes.models.group_types import RESERVED_ID
from volumes.serializers import consistency_groups as shapes
from volumes.serializers.groups import GroupSummary
from volumes.services import group_sources, group_types
from volumes.services import groups as services
from volumes.views.groups import SORT_KEYS, in_full

NOT_FOUND = "ConsistencyGroup {id} could not be found."


class ConsistencyGroupCollection(CollectionView):
    """What the two lists of consistency groups share."""

    collection, links_name = "consistencygroups", "consistencygroup_links"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = ConsistencyGroupFilters

    def rows(self) -> QuerySet[Any]:
        """Return every consistency group that the caller may see."""
        return Group.objects.visible_to(self.caller).filter(group_type=RESERVED_ID)

    def get_queryset(self) -> QuerySet[Any]:
        """Return those of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class ConsistencyGroups(ConsistencyGroupCollection):
    """The short list of consistency groups, and the way to make one."""

    writes = GroupSummary
    reads = {"POST": shapes.ConsistencyGroupCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the consistency groups of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a consistency group; the scheduler looks for a back-end later."""
        values = self.values()
        named = [lookups.required_type_of(self.caller, name) for name in values.pop("volume_types")]
        group = services.create_group(
            caller=self.caller,
            group_type=group_types.reserved_type(),
            volume_types=named,
            **values,
        )
        return Response({"consistencygroup": self.written(GroupSummary, group)}, status=202)


class ConsistencyGroupsInFull(ConsistencyGroupCollection):
    """The list of consistency groups with everything about each."""

    writes = shapes.ConsistencyGroupDetail

    def get_queryset(self) -> QuerySet[Any]:
        """Return the same groups, with what is shown of them."""
        return in_full(super().get_queryset(), with_volumes=False)

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the consistency groups of the project in full."""
        return self.list(request)


class ConsistencyGroupFromSource(ApiView):
    """The way to make a consistency group from what there is."""

    reads = {"POST": shapes.ConsistencyGroupFromSource}
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make one from a snapshot of one, or from another one; its back-end does the work later."""
        values = self.values()
        snapshot_id, source_id = values.pop("cgsnapshot_id", None), values.pop("source_cgid", None)
        if snapshot_id:
            found = group_lookups.consistency_snapshot_of(self.caller, snapshot_id)
            group = group_sources.create_group_from_snapshot(caller=self.caller, group_snapshot=found, **values)
        else:
            source = group_lookups.consistency_group_of(self.caller, source_id)
            group = group_sources.create_group_from_group(caller=self.caller, source=source, **values)
        return Response({"consistencygroup": self.written(GroupSummary, group)}, status=202)


class ConsistencyGroupView(ResourceView):
    """What the paths of one consistency group share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every consistency group that the caller may see."""
        rows = Group.objects.visible_to(self.caller).filter(group_type=RESERVED_ID)
        return in_full(rows, with_volumes=False)


class ConsistencyGroupChange(ConsistencyGroupView):
    """The way to change a consistency group."""

    reads = {"PUT": shapes.ConsistencyGroupUpdate}
    answers = {"PUT": 202}

    def put(self, _request: Request, **_kwargs: Any) -> Empty:
        """Change its name or description, or which volumes belong to it."""
        values = self.values()
        moved = group_lookups.changes_named(self.caller, values)
        services.update_group(group=self.get_object(), caller=self.caller, **moved, **values)
        return Empty(202)


class OneConsistencyGroup(ConsistencyGroupChange):
    """One consistency group, which newer clients change here."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        return Response({"consistencygroup": self.written(shapes.ConsistencyGroupDetail, self.get_object())})


class ConsistencyGroupDeletion(ConsistencyGroupView):
    """The way to delete a consistency group."""

    reads = {"POST": shapes.ConsistencyGroupDelete}
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Empty:
        """Delete it; by force, together with its volumes."""
        is_forced = self.values()["force"]
        services.delete_group(group=self.get_object(), caller=self.caller, with_volumes=is_forced)
        return Empty(202)
