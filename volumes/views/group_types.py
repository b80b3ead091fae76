"""Group types and their specs (contract 06, section 5)."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.views import ApiView, CollectionView, ResourceView
from storage_site.errors import NotFound
from volumes.groups.filters import GroupTypeFilters
from volumes.models import GroupType
from volumes.serializers import group_types as shapes
from volumes.services import group_types as services

NOT_FOUND = "Group type {id} could not be found."
SINCE = "3.11"
SORT_KEYS = {name: name for name in ("id", "name", "description", "is_public", "created_at", "updated_at")}


class GroupTypes(CollectionView):
    """The list of group types, and the way to make one."""

    since = SINCE
    collection, links_name = "group_types", "group_type_links"
    sort_keys = SORT_KEYS
    refuses_unknown_marker = False
    filterset_class = GroupTypeFilters
    writes = shapes.GroupTypeAnswer
    reads = {"POST": shapes.GroupTypeCreate}
    answers = {"POST": 202}

    def rows(self) -> QuerySet[Any]:
        """Return every group type that the caller may see."""
        return GroupType.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the public ones, unless an administrator says otherwise."""
        only_public = "is_public" not in self.request.query_params
        return self.rows().filter(is_public=True) if only_public else self.rows()

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the group types."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a group type."""
        group_type = services.create_group_type(**self.values())
        return Response({"group_type": self.written(shapes.GroupTypeAnswer, group_type)}, status=202)


class DefaultGroupType(ApiView):
    """The group type that the settings name."""

    since = SINCE

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it. :raises NotFound: if they name none."""
        group_type = GroupType.objects.visible_to(self.caller).filter(name=settings.DEFAULT_GROUP_TYPE).first()
        if group_type is None:
            raise NotFound("Default group type can not be found.")
        return Response({"group_type": self.written(shapes.GroupTypeAnswer, group_type)})


class GroupTypeView(ResourceView):
    """What the paths below one group type share."""

    since = SINCE
    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every group type that the caller may see."""
        return GroupType.objects.visible_to(self.caller)


class OneGroupType(GroupTypeView):
    """One group type."""

    pages = {"Specs": "group_specs"}
    reads = {"PUT": shapes.GroupTypeUpdate}
    answers = {"DELETE": 202}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the group type."""
        return Response({"group_type": self.written(shapes.GroupTypeAnswer, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Change the group type."""
        group_type = services.update_group_type(group_type=self.get_object(), **self.values())
        return Response({"group_type": self.written(shapes.GroupTypeAnswer, group_type)})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Remove the group type."""
        services.delete_group_type(group_type=self.get_object())
        return Empty(202, HTML)


class GroupSpecs(GroupTypeView):
    """The specs of a group type."""

    reads = {"POST": shapes.GroupSpecs}
    answers = {"POST": 202}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show them."""
        return Response({"group_specs": self.get_object().group_specs})

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Add some, or replace some."""
        services.merge_group_specs(group_type=self.get_object(), **self.values())
        return Response(request.data, status=202)


class OneGroupSpec(GroupTypeView):
    """One spec of a group type."""

    answers = {"DELETE": 202}

    def get(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Show it."""
        group_type = self.get_object()
        if key not in group_type.group_specs:
            raise NotFound(f"Group Type {group_type.pk} has no specs with key {key}.")
        return Response({key: group_type.group_specs[key]})

    def put(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Write it."""
        pair = shapes.one_spec(key, self.body())
        services.merge_group_specs(group_type=self.get_object(), group_specs=pair)
        return Response(pair)

    def delete(self, _request: Request, key: str, **_kwargs: Any) -> Empty:
        """Remove it."""
        services.delete_group_spec(group_type=self.get_object(), key=key)
        return Empty(202, HTML)
