"""Who makes a request: by the token it carries, or by the console's session."""

from dataclasses import replace

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from storage_site.caller import ADMIN, SERVICE, Caller
from storage_site.errors import NotFound
from storage_site.identity.catalog import identity_url
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import User
from storage_site.identity.tokens import caller_of_token

SESSION_PROJECT = "project_id"


class TokenAuthentication(BaseAuthentication):
    """Recognise the caller by X-Auth-Token, and a service by X-Service-Token beside it, in our own rows.

    Where a Keystone knows the users, `storage_site.identity.keystone` has this place.
    """

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the caller, or None without a token. :raises AuthenticationFailed: if a token is not valid."""
        token = request.headers.get("X-Auth-Token", "").strip()
        if not token:
            return None
        service_token = request.headers.get("X-Service-Token", "").strip()
        try:
            caller = caller_of_token(token)
            service_roles = caller_of_token(service_token).roles if service_token else frozenset()
        except Unauthenticated as error:
            raise AuthenticationFailed(error.message) from None
        # A service token that does not hold is refused, not ignored: the service believes it acts as one.
        if service_token and SERVICE not in service_roles:
            raise AuthenticationFailed(Unauthenticated().message)
        request_id = getattr(request, "request_id", "")
        return replace(caller, is_service=bool(service_token), request_id=request_id, token=token), None

    def authenticate_header(self, request: Request) -> str:
        """Return what WWW-Authenticate says: where tokens are had."""
        return f'Keystone uri="{identity_url(request)}/v3"'


class ConsoleAuthentication(SessionAuthentication):
    """Recognise a person logged in to the console; what changes something must come from the console's own pages."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the caller, or None without a session. :raises PermissionDenied: if the CSRF token is missing."""
        if super().authenticate(request) is None:
            return None
        return caller_of_session(request), None


def caller_of_session(request: HttpRequest | Request) -> Caller:
    """Return whom the console's session speaks for: its user, in the project chosen there.

    Without a choice that still holds: the user's default project, else the first where it is admin, else the first.
    """
    user: User = getattr(request, "_request", request).user
    roles_of: dict[str, set[str]] = {}
    held = user.assignments.filter(project__is_enabled=True).order_by("project__name")
    for project_id, role in held.values_list("project_id", "role__name"):
        roles_of.setdefault(project_id, set()).add(role)
    wanted = [request.session.get(SESSION_PROJECT), user.default_project_id]
    administered = [project_id for project_id, roles in roles_of.items() if ADMIN in roles]
    project_id = next((choice for choice in [*wanted, *administered, *roles_of] if choice in roles_of), "")
    return Caller(
        user_id=user.id,
        user_name=user.name,
        project_id=project_id,
        roles=frozenset(roles_of.get(project_id, ())),
        request_id=getattr(request, "request_id", ""),
    )


def choose_project(request: HttpRequest, project_id: str) -> None:
    """Let the session act in the project from now on. :raises NotFound: if its user holds no role there."""
    if not request.user.assignments.filter(project=project_id, project__is_enabled=True).exists():
        raise NotFound(f"Could not find project: {project_id}.")
    request.session[SESSION_PROJECT] = project_id
