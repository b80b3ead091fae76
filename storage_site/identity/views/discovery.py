"""Where identity begins for a client: the versions there are."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.identity.views.keystone import IdentityView


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


def _version(base: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base}/identity/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
