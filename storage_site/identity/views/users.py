"""The calls about users."""

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.caller import Caller
from storage_site.errors import Forbidden
from storage_site.identity import services
from storage_site.identity.filters import ProjectFilter, UserFilter
from storage_site.identity.models import Project, User
from storage_site.identity.serializers import PasswordChange, ProjectSerializer, UserSerializer
from storage_site.identity.throttle import client_address
from storage_site.identity.views.keystone import AdminOrOwnToRead, Authenticated, IdentityView, found


class Users(IdentityView):
    """All users."""

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List them."""
        rows = self.narrowed(UserFilter, User.objects.all())
        return self.listing("users", UserSerializer(rows, many=True, context={"base": self.base}).data)

    def post(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Make one."""
        fields = self.given(UserSerializer, "user")
        password = fields.pop("password", "") or None
        return Response(_body(services.create_user(password=password, **fields), self.base), status=201)


class OneUser(IdentityView):
    """A user; it may look at itself."""

    permission_classes = [AdminOrOwnToRead]

    def is_own(self, caller: Caller, user_id: str) -> bool:
        """Tell whether the caller is the user."""
        return caller.user_id == user_id

    def get(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Show it."""
        return Response(_body(found(User.objects, user_id), self.base))

    def patch(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Change it."""
        user = found(User.objects, user_id)
        changes = self.given(UserSerializer, "user", partial=True)
        services.update_user(user=user, password=changes.pop("password", "") or None, **changes)
        return Response(_body(user, self.base))

    def delete(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Remove it."""
        services.delete_user(user=found(User.objects, user_id))
        return Response(status=204)


class OwnPassword(IdentityView):
    """POST /users/{id}/password: a user's own change of password."""

    permission_classes = [Authenticated]

    def post(self, request: Request, user_id: str) -> Response:
        """Change it. :raises Forbidden: if it is somebody else's."""
        if request.user.user_id != user_id:
            raise Forbidden("You are not authorized to perform the requested action.")
        asked = self.given(PasswordChange, "user")
        services.change_password(
            user=found(User.objects, user_id),
            current=asked["original_password"],
            password=asked["password"],
            address=client_address(request),
        )
        return Response(status=204)


class ProjectsOfUser(IdentityView):
    """GET /users/{id}/projects: where the user holds a role."""

    permission_classes = [AdminOrOwnToRead]
    is_own = OneUser.is_own

    def get(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List them."""
        held = Project.objects.filter(assignments__user=found(User.objects, user_id)).distinct()
        rows = self.narrowed(ProjectFilter, held)
        return self.listing("projects", ProjectSerializer(rows, many=True, context={"base": self.base}).data)


def _body(user: User, base: str) -> dict:
    return {"user": UserSerializer(user, context={"base": base}).data}
