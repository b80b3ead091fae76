"""The calls about application credentials."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.caller import Caller
from storage_site.errors import Forbidden, InvalidRequest
from storage_site.identity import services
from storage_site.identity.filters import ApplicationCredentialFilter
from storage_site.identity.models import ApplicationCredential, Project, Role, User
from storage_site.identity.serializers import ApplicationCredentialSerializer
from storage_site.identity.tokens import ValidToken, recent
from storage_site.identity.views.keystone import AdminOrOwn, IdentityView, found

_NOT_AUTHORIZED = "You are not authorized to perform the requested action: "


class _OfUser(IdentityView):
    """What concerns the application credentials of a user: for the user, and for administrators."""

    permission_classes = [AdminOrOwn]

    def is_own(self, caller: Caller, user_id: str, **_others: str) -> bool:
        """Tell whether the caller is the user."""
        return caller.user_id == user_id

    @property
    def rows(self) -> Any:
        """Return the application credentials of the user. :raises NotFound: if there is no such user."""
        user = found(User.objects, self.kwargs["user_id"])
        return ApplicationCredential.objects.filter(user=user).prefetch_related("roles")

    def unrestricted_token(self) -> ValidToken:
        """Return the caller's token. :raises Forbidden: if it came from a restricted application credential."""
        valid = recent.valid(self.request.headers["X-Auth-Token"].strip())
        if valid.credential and not valid.credential.is_unrestricted:
            raise Forbidden(f"{_NOT_AUTHORIZED}a restricted application credential manages no others.")
        return valid


class ApplicationCredentials(_OfUser):
    """All application credentials of a user."""

    def get(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List them."""
        rows = self.narrowed(ApplicationCredentialFilter, self.rows)
        bodies = ApplicationCredentialSerializer(rows, many=True, context={"base": self.base}).data
        return self.listing("application_credentials", bodies)

    def post(self, request: Request, user_id: str) -> Response:
        """Make one in the project of the caller's token, with roles of that token.

        :raises Forbidden: if the user is another, or the token is for no project.
        """
        valid = self.unrestricted_token()
        if request.user.user_id != user_id or valid.project is None:
            raise Forbidden(f"{_NOT_AUTHORIZED}it takes the user's own token, for a project.")
        fields = self.given(ApplicationCredentialSerializer, "application_credential")
        asked = _names_of(fields.pop("roles", ()))
        if not asked <= valid.role_names:
            raise InvalidRequest("Invalid application credential: the token does not have all these roles.")
        credential, secret = services.create_application_credential(
            user=found(User.objects, user_id),
            project=found(Project.objects, valid.project.id),
            roles=asked or valid.role_names,
            expires_at=fields.pop("expires_at", None) or None,
            **fields,
        )
        body = ApplicationCredentialSerializer(credential, context={"base": self.base}).data
        return Response({"application_credential": {**body, "secret": secret}}, status=201)


class OneApplicationCredential(_OfUser):
    """An application credential."""

    def get(self, request: Request, user_id: str, credential_id: str) -> Response:  # noqa: ARG002
        """Show it."""
        credential = found(self.rows, credential_id)
        body = ApplicationCredentialSerializer(credential, context={"base": self.base}).data
        return Response({"application_credential": body})

    def delete(self, request: Request, user_id: str, credential_id: str) -> Response:  # noqa: ARG002
        """Remove it."""
        self.unrestricted_token()
        services.delete_application_credential(credential=found(self.rows, credential_id))
        return Response(status=204)


def _names_of(references: Any) -> frozenset[str]:
    """Return the names of the roles that a request names. :raises InvalidRequest: if there is no such role."""
    names = dict(Role.objects.values_list("id", "name"))
    asked = {names.get(one["id"], "") if "id" in one else one["name"] for one in references}
    if not asked <= set(names.values()):
        raise InvalidRequest("Invalid application credential: there is no such role.")
    return frozenset(asked)
