"""Default types of projects (contract 05, section 1.4)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.api.views import ApiView
from storage_site.errors import InvalidRequest, NotFound
from storage_site.identity.projects import is_project
from volumes import lookups
from volumes.errors import VolumeTypeNotFound
from volumes.models import DefaultType
from volumes.serializers import types as shapes
from volumes.services import types as services

SINCE = "3.62"


class DefaultTypes(ApiView):
    """The projects that have a default type of their own."""

    since = SINCE

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """List them."""
        rows = DefaultType.objects.order_by("project_id")
        return Response({"default_types": self.written(shapes.DefaultTypeAnswer, rows, many=True)})


class ProjectDefaultType(ApiView):
    """The default type of one project."""

    since = SINCE
    reads = {"PUT": shapes.DefaultTypeUpdate}
    answers = {"DELETE": 204}

    def get(self, _request: Request, project: str, **_kwargs: Any) -> Response:
        """Show it. :raises NotFound: if the project has none of its own."""
        found = DefaultType.objects.filter(project_id=project).first()
        if found is None:
            raise NotFound(f"Default type for project {project} not found.")
        return Response({"default_type": self.written(shapes.DefaultTypeAnswer, found)})

    def put(self, _request: Request, project: str, **_kwargs: Any) -> Response:
        """Set it. :raises NotFound: if there is no such project. :raises InvalidRequest: if there is no such type."""
        name = self.values()["volume_type"]
        if not is_project(project):
            raise NotFound(f"Project id {project} not found.")
        try:
            volume_type = lookups.type_of(self.caller, name)
        except VolumeTypeNotFound as error:
            raise InvalidRequest(error.message) from None
        made = services.set_default_type(project_id=project, volume_type=volume_type)
        return Response({"default_type": self.written(shapes.DefaultTypeAnswer, made)})

    def delete(self, _request: Request, project: str, **_kwargs: Any) -> Empty:
        """Let everybody's default hold for the project again."""
        services.unset_default_type(project_id=project)
        return Empty(204, HTML)
