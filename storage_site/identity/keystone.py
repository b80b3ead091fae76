"""Tokens as a Keystone knows them: its own auth_token middleware decides, and a Caller is made of what it admits.

Nothing loads this module, nor the middleware's packages, unless CELINDER_IDENTITY is keystone.
"""

import logging
from functools import cache
from http import HTTPStatus
from typing import Any

import webob
from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from keystoneauth1 import loading
from keystoneauth1.exceptions import ClientException
from keystonemiddleware.auth_token import AuthProtocol, list_opts
from oslo_config import cfg
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from storage_site.caller import ADMIN, SERVICE, Caller
from storage_site.errors import Unavailable
from storage_site.identity.catalog import url_in
from storage_site.identity.errors import Unauthenticated

logger = logging.getLogger(__name__)

_GROUP = "keystone_authtoken"  # where the middleware looks for its options
_CACHE = "celinder.keystone_answers"  # where, in the environ of a request, for its cache
CACHE_SIZE = 1000
CONNECT_RETRIES = 1


class KeystoneAuthentication(BaseAuthentication):
    """Recognise the caller by X-Auth-Token, and a service by X-Service-Token beside it, as Keystone says."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the caller, or None without a token.

        :raises AuthenticationFailed: if a token is not valid, or not a service's where one should be.
        :raises Unavailable: if Keystone does not answer, and has not lately.
        """
        if not request.headers.get("X-Auth-Token", "").strip():
            return None
        environ = {**request._request.environ, _CACHE: _answers}  # noqa: SLF001 - DRF's public way is the same
        status = _status_of(environ)
        if status == HTTPStatus.UNAUTHORIZED:
            raise AuthenticationFailed(Unauthenticated().message)
        if status != HTTPStatus.OK:
            raise Unavailable("The Keystone service cannot be reached; try again.")
        return _caller(environ["keystone.token_info"]["token"], request), None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        """Return what WWW-Authenticate says: where tokens are had."""
        return f'Keystone uri="{settings.KEYSTONE["public_url"]}"'


def _status_of(environ: dict[str, Any]) -> int:
    """Return what the middleware makes of a request; 200 if it lets it in, and has noted whose it is in `environ`."""
    try:
        return webob.Request(environ).get_response(_door()).status_int
    except ClientException:
        # Such as a catalog without an identity service: nothing that the client could mend.
        logger.exception("Keystone cannot be asked")
        return HTTPStatus.SERVICE_UNAVAILABLE


def _caller(token: dict[str, Any], request: Request) -> Caller:
    """Return whom the token speaks for; rights come from roles in a project, not in a domain or the system."""
    project = token.get("project") or {}
    roles = {role["name"] for role in token.get("roles", ())} if project else set()
    if not token.get("is_admin_project", True):
        roles.discard(ADMIN)  # Keystone has one project whose administrators are those of the cloud, and this is not it
    return Caller(
        user_id=token["user"]["id"],
        user_name=token["user"]["name"],
        project_id=project.get("id", ""),
        roles=frozenset(roles),
        # The door is closed to a service token that does not hold.
        is_service=bool(request.headers.get("X-Service-Token", "").strip()),
        request_id=getattr(request, "request_id", ""),
        token=request.headers["X-Auth-Token"].strip(),
        compute_url=url_in(
            token.get("catalog") or (), "compute", settings.KEYSTONE["interface"], settings.KEYSTONE["region"]
        ),
    )


class _Answers:
    """What Keystone said lately, in this process, for as long as the settings say: as the middleware wants a cache."""

    def __init__(self) -> None:
        self._kept = LocMemCache("keystone", {"MAX_ENTRIES": CACHE_SIZE})

    def get(self, key: str) -> Any:
        """Return what was kept, if it still counts."""
        return self._kept.get(key)

    def set(self, key: str, value: Any, time: float) -> None:
        """Keep a value for some seconds."""
        self._kept.set(key, value, timeout=time)

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()


_answers = _Answers()


@cache
def _door() -> AuthProtocol:
    """Return the middleware around nothing: whoever reaches what is behind it has been let in."""
    return AuthProtocol(webob.Response(), {"oslo_config_config": _options()})


def _options() -> cfg.ConfigOpts:
    """Return the settings as the middleware reads them, out of no file."""
    found, options = settings.KEYSTONE, cfg.ConfigOpts()
    options([], default_config_files=[], default_config_dirs=[])
    for group, known in list_opts():
        options.register_opts(known, group=group)
    options.register_opts(loading.get_auth_plugin_conf_options("password"), group=_GROUP)
    for name, value in {
        "auth_type": "password",
        "auth_url": found["url"],
        "username": found["user"],
        "password": found["password"],
        "project_name": found["project"],
        "user_domain_name": found["user_domain"],
        "project_domain_name": found["project_domain"],
        "www_authenticate_uri": found["public_url"],
        "interface": found["interface"],
        "region_name": found["region"] or None,
        "cafile": found["ca_file"] or None,
        "http_connect_timeout": found["timeout_s"],
        "http_request_max_retries": CONNECT_RETRIES,
        "token_cache_time": found["cache_s"],
        "cache": _CACHE,
        "service_token_roles": [SERVICE],
        "service_token_roles_required": True,
        "service_type": found["service_type"],
    }.items():
        options.set_override(name, value, group=_GROUP)
    return options
