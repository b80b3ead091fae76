"""Where identity begins for a client: the versions there are."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.errors import NotFound
from storage_site.identity.views.keystone import Authenticated, IdentityView


class Versions(IdentityView):
    """GET /identity: the one version."""

    authentication_classes: ClassVar = []
    permission_classes: ClassVar = []

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Answer with a choice of one."""
        return Response({"versions": {"values": [_version(self.base)]}}, status=300)


class Version(Versions):
    """GET /identity/v3: what version 3 is."""

    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Answer with the version."""
        return Response({"version": _version(self.base)})


class NoSuchCall(IdentityView):
    """What Keystone may have and this identity has not, such as groups: told in Keystone's words."""

    permission_classes: ClassVar = [Authenticated]

    def get(self, request: Request, **_rest: str) -> Response:  # noqa: ARG002 - the signature is DRF's
        """Tell that there is nothing. :raises NotFound: always."""
        raise NotFound("The resource could not be found.")

    head = post = put = patch = delete = get


def _version(base: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base}/identity/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
