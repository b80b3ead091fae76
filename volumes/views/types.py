"""Volume types, their extra specs, and who may use them (contract 05, section 1)."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.actions import ActionView, action
from storage_site.api.answers import HTML, Empty
from storage_site.api.views import ApiView, CollectionView, ResourceView
from storage_site.errors import NotFound
from volumes import lookups
from volumes.errors import DefaultTypeMissing
from volumes.filters import TypeFilters
from volumes.models import VolumeType
from volumes.serializers import types as shapes
from volumes.services import types as services
from volumes.services.volumes import default_type

NOT_FOUND = "Volume type {id} could not be found."
SORT_KEYS = {name: name for name in ("id", "name", "description", "is_public", "created_at", "updated_at")}


class Types(CollectionView):
    """The list of types, and the way to make one."""

    collection, links_name = "volume_types", "volume_type_links"
    sort_keys = SORT_KEYS
    refuses_unknown_marker = False
    filterset_class = TypeFilters
    writes = shapes.TypeDetail
    reads = {"POST": shapes.TypeCreate}

    def rows(self) -> QuerySet[Any]:
        """Return every type that the caller may see."""
        return VolumeType.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the types that the caller may use; of administrators, the public ones unless they say otherwise."""
        only_public = self.caller.is_admin and "is_public" not in self.request.query_params
        return self.rows().filter(is_public=True) if only_public else self.rows()

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the types."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a type."""
        volume_type = services.create_type(**self.values())
        return Response({"volume_type": self.written(shapes.CreatedType, volume_type)})


class DefaultType(ApiView):
    """The type of volumes for which none is named."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        try:
            volume_type = default_type(self.caller)
        except DefaultTypeMissing:
            raise NotFound("Default volume type can not be found.") from None
        lookups.type_of(self.caller, str(volume_type.pk))
        return Response({"volume_type": self.written(shapes.TypeAnswer, volume_type)})


class TypeView(ResourceView):
    """What the paths below one type share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every type that the caller may see."""
        return VolumeType.objects.visible_to(self.caller)


class OneType(TypeView):
    """One type."""

    pages = {"Extra specs": "extra_specs", "Access": "os-volume-type-access", "Actions": "action"}
    reads = {"PUT": shapes.TypeUpdate}
    answers = {"DELETE": 202}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the type."""
        return Response({"volume_type": self.written(shapes.TypeDetail, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Change the type."""
        volume_type = services.update_type(volume_type=self.get_object(), **self.values())
        return Response({"volume_type": self.written(shapes.TypeAnswer, volume_type)})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Remove the type."""
        services.delete_type(volume_type=self.get_object())
        return Empty(202, HTML)


class Specs(TypeView):
    """The extra specs of a type."""

    reads = {"POST": shapes.ExtraSpecs}

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show those that the caller may know."""
        return Response({"extra_specs": shapes.visible_specs(self.get_object().extra_specs, self.caller)})

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Add some, or replace some."""
        services.merge_extra_specs(volume_type=self.get_object(), **self.values())
        return Response(request.data)


class OneSpec(TypeView):
    """One extra spec of a type."""

    answers = {"DELETE": 202}

    def get(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Show it."""
        specs = shapes.visible_specs(self.get_object().extra_specs, self.caller)
        if key not in specs:
            raise NotFound(f"Volume Type {self.get_object().pk} has no extra specs with key {key}.")
        return Response({key: specs[key]})

    def put(self, _request: Request, key: str, **_kwargs: Any) -> Response:
        """Write it."""
        pair = shapes.one_spec(key, self.body())
        services.merge_extra_specs(volume_type=self.get_object(), extra_specs=pair)
        return Response(pair)

    def delete(self, _request: Request, key: str, **_kwargs: Any) -> Empty:
        """Remove it."""
        services.delete_extra_spec(volume_type=self.get_object(), key=key)
        return Empty(202, HTML)


class Access(TypeView):
    """The projects that may use a type which is not public."""

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List them. :raises NotFound: if the type is public."""
        volume_type = self.get_object()
        if volume_type.is_public:
            raise NotFound("Access list not available for public volume types.")
        return Response({"volume_type_access": shapes.access_of(volume_type)})


class TypeActions(ActionView):
    """What may be done with a type, by name."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every type that the caller may see."""
        return VolumeType.objects.visible_to(self.caller)

    @action("addProjectAccess", reads=shapes.ProjectAccess)
    def add_access(self, volume_type: VolumeType, project: str) -> None:
        """Let a project use the type."""
        services.add_access(volume_type=volume_type, project_id=project)

    @action("removeProjectAccess", reads=shapes.ProjectAccess)
    def remove_access(self, volume_type: VolumeType, project: str) -> None:
        """Take that back."""
        services.remove_access(volume_type=volume_type, project_id=project)
