"""The calls about roles, and who holds which where."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.errors import NotFound
from storage_site.identity import services
from storage_site.identity.filters import RoleFilter
from storage_site.identity.models import Assignment, Project, Role, User
from storage_site.identity.serializers import DOMAIN_BODY, RoleSerializer
from storage_site.identity.views.keystone import Given, IdentityView, found

# What a query may narrow the assignments by; other scopes than projects hold none.
_FILTERS = {"user.id": "user_id", "scope.project.id": "project_id", "role.id": "role_id"}
_EMPTY_SCOPES = {"scope.domain.id", "scope.system", "group.id"}
GIVEN_BY = "the roles are those that the service knows: admin, member, reader, service"


class Roles(Given, IdentityView):
    """All roles."""

    given_by = GIVEN_BY

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List them."""
        rows = self.narrowed(RoleFilter, Role.objects.all())
        return self.listing("roles", RoleSerializer(rows, many=True, context={"base": self.base}).data)


class OneRole(Given, IdentityView):
    """A role."""

    given_by = GIVEN_BY

    def get(self, request: Request, role_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Show it."""
        return Response({"role": RoleSerializer(found(Role.objects, role_id), context={"base": self.base}).data})


class RolesInProject(IdentityView):
    """GET /projects/{project}/users/{user}/roles: what the user may do there."""

    def get(self, request: Request, project_id: str, user_id: str) -> Response:  # noqa: ARG002
        """List the roles."""
        project, user = found(Project.objects, project_id), found(User.objects, user_id)
        rows = Role.objects.filter(assignments__project=project, assignments__user=user)
        return self.listing("roles", RoleSerializer(rows, many=True, context={"base": self.base}).data)


class RoleInProject(IdentityView):
    """A user's role in a project: grant, check, revoke."""

    def put(self, request: Request, **ids: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Grant the role."""
        services.grant(**_named(**ids))
        return Response(status=204)

    def head(self, request: Request, **ids: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Tell whether the user holds the role. :raises NotFound: if not."""
        asked = _named(**ids)
        if not Assignment.objects.filter(
            user=asked["user"], project=asked["project"], role__name=asked["role"]
        ).exists():
            raise NotFound("Could not find role assignment.")
        return Response(status=204)

    get = head

    def delete(self, request: Request, **ids: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Revoke the role."""
        services.revoke(**_named(**ids))
        return Response(status=204)


class RoleAssignments(IdentityView):
    """GET /role_assignments: who holds which role where."""

    def get(self, request: Request) -> Response:
        """List the assignments."""
        rows = Assignment.objects.select_related("user", "project", "role")
        if _EMPTY_SCOPES & set(request.query_params):
            rows = rows.none()
        for parameter, column in _FILTERS.items():
            if parameter in request.query_params:
                rows = rows.filter(**{column: request.query_params[parameter].replace("\0", "")})
        has_names = request.query_params.get("include_names", "0").lower() not in {"0", "false"}
        return self.listing("role_assignments", [_body(row, self.base, has_names=has_names) for row in rows])


def _named(project_id: str, user_id: str, role_id: str) -> dict[str, Any]:
    return {
        "project": found(Project.objects, project_id),
        "user": found(User.objects, user_id),
        "role": found(Role.objects, role_id).name,
    }


def _body(row: Assignment, base: str, *, has_names: bool) -> dict[str, Any]:
    user, project, role = {"id": row.user_id}, {"id": row.project_id}, {"id": row.role_id}
    if has_names:
        user |= {"name": row.user.name, "domain": DOMAIN_BODY}
        project |= {"name": row.project.name, "domain": DOMAIN_BODY}
        role |= {"name": row.role.name}
    address = f"{base}/identity/v3/projects/{row.project_id}/users/{row.user_id}/roles/{row.role_id}"
    return {"user": user, "scope": {"project": project}, "role": role, "links": {"assignment": address}}
