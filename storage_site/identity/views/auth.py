"""The calls under /auth: tokens, and what a token's owner may choose from."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.caller import SERVICE
from storage_site.errors import Forbidden, NotFound
from storage_site.identity import services
from storage_site.identity.catalog import catalog
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.login import log_in
from storage_site.identity.models import Project
from storage_site.identity.serializers import AuthRequest, ProjectSerializer, token_body
from storage_site.identity.throttle import client_address
from storage_site.identity.tokens import ValidToken, recent
from storage_site.identity.views.keystone import Authenticated, IdentityView


class Tokens(IdentityView):
    """Make, examine and end tokens."""

    permission_classes: ClassVar = [Authenticated]

    def get_authenticators(self) -> list:
        """Return no way to authenticate for the call that logs in: an old token sent along means nothing there."""
        return [] if self.request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> list:
        """Return who may call: anybody may log in."""
        return [] if self.request.method == "POST" else super().get_permissions()

    def post(self, request: Request) -> Response:
        """Log in."""
        asked = self.given(AuthRequest, "auth")
        text, valid = log_in(identity=asked["identity"], scope=asked.get("scope"), address=client_address(request))
        return self._answer(text, valid, status=201)

    def get(self, request: Request) -> Response:
        """Show what the token in X-Subject-Token stands for."""
        text, valid = self._subject(request)
        return self._answer(text, valid, status=200)

    def delete(self, request: Request) -> Response:
        """End the token in X-Subject-Token."""
        services.revoke_token(token=self._subject(request)[1].token)
        return Response(status=204)

    def _answer(self, text: str, valid: ValidToken, *, status: int) -> Response:
        has_catalog = valid.project is not None and "nocatalog" not in self.request.query_params
        services_listed = catalog(self.base, valid.project.id) if valid.project and has_catalog else None
        return Response(token_body(valid, services_listed), status=status, headers={"X-Subject-Token": text})

    def _subject(self, request: Request) -> tuple[str, ValidToken]:
        """Return the token asked about. :raises NotFound: if not valid. :raises Forbidden: if not for the caller."""
        text = request.headers.get("X-Subject-Token", "").strip()
        try:
            valid = recent.valid(text)
        except Unauthenticated:
            raise NotFound("Could not find token.") from None
        caller = request.user
        if not (caller.is_admin or SERVICE in caller.roles or caller.user_id == valid.user.id):
            raise Forbidden("You are not authorized to perform the requested action.")
        return text, valid


class OwnProjects(IdentityView):
    """GET /auth/projects: where the caller may scope a token to."""

    permission_classes: ClassVar = [Authenticated]

    def get(self, request: Request) -> Response:
        """List the enabled projects in which the caller holds a role."""
        rows = Project.objects.filter(assignments__user=request.user.user_id, is_enabled=True).distinct()
        return self.listing("projects", ProjectSerializer(rows, many=True, context={"base": self.base}).data)


class OwnDomains(IdentityView):
    """GET /auth/domains: tokens are not scoped to domains here."""

    permission_classes: ClassVar = [Authenticated]

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """List none."""
        return self.listing("domains", [])


class OwnCatalog(IdentityView):
    """GET /auth/catalog: the services as the caller's token sees them."""

    permission_classes: ClassVar = [Authenticated]

    def get(self, request: Request) -> Response:
        """List the catalog. :raises Forbidden: for a token without a project."""
        if not request.user.project_id:
            raise Forbidden("You are not authorized to perform the requested action: a scoped token is needed.")
        return self.listing("catalog", catalog(self.base, request.user.project_id))
