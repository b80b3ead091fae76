"""The calls about projects."""

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.caller import Caller
from storage_site.identity import services
from storage_site.identity.filters import ProjectFilter
from storage_site.identity.models import Project
from storage_site.identity.serializers import ProjectSerializer
from storage_site.identity.views.keystone import AdminOrOwnToRead, IdentityView, found


class Projects(IdentityView):
    """All projects."""

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List them."""
        rows = self.narrowed(ProjectFilter, Project.objects.all())
        return self.listing("projects", ProjectSerializer(rows, many=True, context={"base": self.base}).data)

    def post(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Make one."""
        project = services.create_project(**self.given(ProjectSerializer, "project"))
        return Response(_body(project, self.base), status=201)


class OneProject(IdentityView):
    """A project; its members may look at it."""

    permission_classes = [AdminOrOwnToRead]

    def is_own(self, caller: Caller, project_id: str) -> bool:
        """Tell whether the caller's token is for the project."""
        return caller.project_id == project_id

    def get(self, request: Request, project_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Show it."""
        return Response(_body(found(Project.objects, project_id), self.base))

    def patch(self, request: Request, project_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Change it."""
        project = found(Project.objects, project_id)
        changes = self.given(ProjectSerializer, "project", partial=True)
        return Response(_body(services.update_project(project=project, **changes), self.base))

    def delete(self, request: Request, project_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Remove it."""
        services.delete_project(project=found(Project.objects, project_id))
        return Response(status=204)


def _body(project: Project, base: str) -> dict:
    return {"project": ProjectSerializer(project, context={"base": base}).data}
