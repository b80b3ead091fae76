"""Log-in by the token call: a request of one or more methods becomes a token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from storage_site.errors import Forbidden, InvalidRequest
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import DOMAIN_ID, DOMAIN_NAME, ApplicationCredential, Project, User
from storage_site.identity.passwords import user_with_password, user_with_secret
from storage_site.identity.tokens import Token, ValidToken, looked_up, new_token, recent, signed


@dataclass(frozen=True, slots=True)
class Checked:
    """A user whom a method has recognised, and what it was recognised by where a token depends on that."""

    user: User
    parent: Token | None = None
    credential: ApplicationCredential | None = None


def log_in(*, identity: Mapping[str, Any], scope: Mapping[str, Any] | None, address: str) -> tuple[str, ValidToken]:
    """Check `identity` by each of its methods and return a token for `scope`: its text and what it stands for.

    `scope` None means the client named none: the application credential's project, or the user's default project,
    else unscoped.

    :raises Unauthenticated: if a method does not recognise the user, or the user has no role in the scope.
    :raises Forbidden: if the token shown came from an application credential, which is not to be widened.
    :raises TooManyAttempts: if too many log-ins failed.
    :raises InvalidRequest: if the scope is of a kind that is not supported.
    """
    methods = tuple(dict.fromkeys(identity["methods"]))
    checked = [_checked(method, identity, address) for method in methods]
    user = checked[0].user
    if any(other.user.id != user.id for other in checked):
        raise Unauthenticated
    parent = next((one.parent for one in checked if one.parent), None)
    credential = next((one.credential for one in checked if one.credential), None)
    if credential and scope is not None:
        raise Unauthenticated("Application credentials cannot request a scope.")
    token = new_token(
        user=user,
        project_id=credential.project_id if credential else _project_id(scope, user),
        methods=tuple(dict.fromkeys((*(parent.methods if parent else ()), *methods))),
        parent=parent,
        credential=credential,
    )
    return signed(token), looked_up(token)


def _checked(method: str, identity: Mapping[str, Any], address: str) -> Checked:
    check = _METHODS.get(method)
    if check is None:
        raise Unauthenticated("Attempted to authenticate with an unsupported method.")
    if method not in identity:
        raise InvalidRequest(f"Expecting to find {method} in identity. The server could not comply with the request.")
    return check(identity[method], address)


def _by_password(given: Mapping[str, Any], address: str) -> Checked:
    asked = given["user"]
    by = {"pk": asked["id"]} if "id" in asked else {"name": asked["name"]}
    is_ours = "id" in asked or is_default_domain(asked.get("domain"))
    user = User.objects.filter(**by).first() if is_ours else None
    called = asked.get("id") or asked["name"]
    return Checked(user_with_password(user=user, called=called, password=asked["password"], address=address))


def _by_token(given: Mapping[str, Any], _address: str) -> Checked:
    # A token revoked a moment ago must not live on in one made from it.
    valid = recent.valid(given["id"], at_once=True)
    if valid.token.credential_id:
        raise Forbidden("A token had by an application credential cannot be exchanged for another.")
    user = User.objects.filter(pk=valid.user.id, is_active=True, credentials_stamp=valid.token.stamp).first()
    if user is None:
        raise Unauthenticated
    return Checked(user, parent=valid.token)


def _by_application_credential(given: Mapping[str, Any], address: str) -> Checked:
    if "id" in given:
        called, by = given["id"], {"pk": given["id"]}
    else:
        owner = given["user"]
        called = f"{given['name']}\0{owner.get('id') or owner['name']}"
        by = {"name": given["name"]} | ({"user": owner["id"]} if "id" in owner else {"user__name": owner["name"]})
    is_ours = "id" in given or "id" in given["user"] or is_default_domain(given["user"].get("domain"))
    credential = ApplicationCredential.objects.select_related("user").filter(**by).first() if is_ours else None
    user = user_with_secret(credential=credential, called=called, secret=given["secret"], address=address)
    return Checked(user, credential=credential)


_METHODS: Mapping[str, Callable[[Mapping[str, Any], str], Checked]] = {
    "password": _by_password,
    "token": _by_token,
    "application_credential": _by_application_credential,
}


def _project_id(scope: Mapping[str, Any] | None, user: User) -> str:
    """Return the id of the project that `scope` names, "" for none. :raises Unauthenticated: if it does not exist."""
    if scope is None:
        held = user.assignments.filter(project=user.default_project_id, project__is_enabled=True)
        return user.default_project_id if user.default_project_id and held.exists() else ""
    if not scope:
        return ""
    if "project" not in scope:
        kind = next(iter(scope))
        raise InvalidRequest(f"Tokens scoped to a {kind} are not supported; scope to a project.")
    asked = scope["project"]
    if "id" in asked:
        projects = Project.objects.filter(pk=asked["id"])
    else:
        projects = Project.objects.filter(name=asked["name"])
        if not is_default_domain(asked.get("domain")):
            raise Unauthenticated
    project_id = projects.values_list("pk", flat=True).first()
    if project_id is None:
        raise Unauthenticated
    return project_id


def is_default_domain(domain: Mapping[str, Any] | None) -> bool:
    """Tell whether `domain` ({id} or {name}; absent counts) is the one domain there is."""
    return not domain or domain.get("id") == DOMAIN_ID or domain.get("name") == DOMAIN_NAME
