"""Groups: create, list, show, change, delete (contract 06, section 6)."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.actions import ActionView, action
from storage_site.api.answers import Empty
from storage_site.api.booleans import truth_of
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import ApiView, CollectionView, ResourceView
from storage_site.errors import InvalidRequest
from volumes import lookups
from volumes.groups import lookups as group_lookups
from volumes.groups.filters import GroupFilters
from volumes.models import Group, Volume, VolumeType
from volumes.serializers import groups as shapes
from volumes.services import groups as services

NOT_FOUND = "Group {id} could not be found."
SINCE, FILTERS_SINCE = "3.13", "3.31"
SORT_KEYS = {
    "id": "id",
    "name": "name",
    "status": "status",
    "availability_zone": "availability_zone",
    "description": "description",
    "group_type_id": "group_type_id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "user_id": "user_id",
    "project_id": "project_id",
}


def in_full(rows: QuerySet[Any], *, with_volumes: bool) -> QuerySet[Any]:
    """Return `rows` with everything that the answers about groups show."""
    rows = rows.prefetch_related(Prefetch("volume_types", VolumeType.objects.order_by("name")))
    volumes = Volume.objects.only("id", "group_id").order_by("created_at", "id")
    return rows.prefetch_related(Prefetch("volumes", volumes)) if with_volumes else rows


class ShowsGroups(ApiView):
    """What the views share that may show the volumes of groups."""

    since = SINCE

    @property
    def shows_volumes(self) -> bool:
        """Tell whether the request asks for the volumes. :raises InvalidRequest: if what it says is no truth value."""
        if not self.request.version.covers(shapes.MEMBERS_SINCE):
            return False
        return truth_of("list_volume", self.request.query_params.get("list_volume", "false"))

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what serializers know of the request."""
        return {**super().get_serializer_context(), "shows_volumes": self.shows_volumes}


class GroupCollection(ShowsGroups, CollectionView):
    """What the two lists of groups share."""

    collection, links_name = "groups", "group_links"
    sort_keys = SORT_KEYS
    not_found = NOT_FOUND
    filterset_class = GroupFilters

    def rows(self) -> QuerySet[Any]:
        """Return every group that the caller may see."""
        return Group.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the groups of the project; all, where an administrator asks for them."""
        is_lost = "all_tenants" in self.request.query_params and not self.request.version.covers(FILTERS_SINCE)
        if is_lost and not self.caller.is_admin:
            return self.rows().none()
        return of_project_or_all(self.rows(), self.request)


class Groups(GroupCollection):
    """The short list of groups, and the way to make one."""

    writes = shapes.GroupSummary
    reads = {"POST": shapes.GroupCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the groups of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a group; the scheduler looks for a back-end later."""
        values = self.values()
        group_type = group_lookups.group_type_of(self.caller, values["group_type"])
        if group_type.is_reserved:
            raise InvalidRequest(f"Group type {group_type.name} is reserved for consistency groups.")
        group = services.create_group(
            caller=self.caller,
            group_type=group_type,
            volume_types=[lookups.required_type_of(self.caller, name) for name in values["volume_types"]],
            name=values.get("name"),
            description=values.get("description"),
            availability_zone=values.get("availability_zone"),
        )
        return Response({"group": self.written(shapes.GroupSummary, group)}, status=202)


class GroupsInFull(GroupCollection):
    """The list of groups with everything about each."""

    writes = shapes.GroupDetail

    def get_queryset(self) -> QuerySet[Any]:
        """Return the same groups, with what is shown of them."""
        return in_full(super().get_queryset(), with_volumes=self.shows_volumes)

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the groups of the project in full."""
        return self.list(request)


class OneGroup(ShowsGroups, ResourceView):
    """One group."""

    pages = {"Actions": "action", "Timeline": "timeline"}
    not_found = NOT_FOUND
    reads = {"PUT": shapes.GroupUpdate}
    answers = {"PUT": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every group that the caller may see."""
        is_shown = self.request.method == "GET"
        return in_full(Group.objects.visible_to(self.caller), with_volumes=is_shown and self.shows_volumes)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the group."""
        return Response({"group": self.written(shapes.GroupDetail, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Empty:
        """Change the group's name or description, or which volumes belong to it."""
        values = self.values()
        moved = group_lookups.changes_named(self.caller, values)
        services.update_group(group=self.get_object(), caller=self.caller, **moved, **values)
        return Empty(202)


class GroupActions(ActionView):
    """What may be done with a group, by name."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every group that the caller may see."""
        return Group.objects.visible_to(self.caller).select_related("group_type")

    @action("delete", reads=shapes.GroupDelete, since=SINCE)
    def delete_group(self, group: Group, *, delete_volumes: bool) -> None:
        """Delete the group, with its volumes if they are to go."""
        services.delete_group(group=group, caller=self.caller, with_volumes=delete_volumes)

    @action("reset_status", reads=shapes.GroupResetStatus, since="3.20")
    def reset_status(self, group: Group, status: str) -> None:
        """Set the record straight by hand."""
        services.reset_status(group=group, status=status, caller=self.caller)

    @action("enable_replication", reads=shapes.Replication, since=shapes.REPLICATION_SINCE)
    def enable_replication(self, group: Group) -> None:
        """Refuse: no back-end replicates."""
        raise _unreplicated(group)

    @action("disable_replication", reads=shapes.Replication, since=shapes.REPLICATION_SINCE)
    def disable_replication(self, group: Group) -> None:
        """Refuse: no back-end replicates."""
        raise _unreplicated(group)

    @action("failover_replication", reads=shapes.FailoverReplication, since=shapes.REPLICATION_SINCE)
    def failover_replication(self, group: Group, **_where: Any) -> None:
        """Refuse: no back-end replicates."""
        raise _unreplicated(group)

    @action("list_replication_targets", reads=shapes.Replication, since=shapes.REPLICATION_SINCE, status=200)
    def list_replication_targets(self, group: Group) -> dict[str, Any]:
        """List where the group is replicated to: nowhere."""
        del group
        return {"replication_targets": []}


def _unreplicated(group: Group) -> InvalidRequest:
    if group.group_type.is_replicated:
        return InvalidRequest(f"Group {group.pk} is on a back-end that does not replicate.")
    return InvalidRequest(f"Group type {group.group_type.name} of group {group.pk} does not ask for replication.")
