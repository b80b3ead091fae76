"""What a client asks before it knows anything: which versions there are."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api import authorisation, links
from storage_site.api.microversions import MAXIMUM, MINIMUM
from storage_site.api.openapi import Document
from storage_site.api.views import ApiView, UnknownPath

UPDATED = "2023-08-31T00:00:00Z"
MEDIA_TYPE = "application/vnd.openstack.volume+json;version=3"


def versions(request: Request) -> dict[str, Any]:
    """Return the document that names the range of microversions."""
    return {
        "versions": [
            {
                "id": f"v{MINIMUM}",
                "status": "CURRENT",
                "version": str(MAXIMUM),
                "min_version": str(MINIMUM),
                "updated": UPDATED,
                "links": [
                    {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
                    {"rel": "self", "href": f"{links.base(request)}/v3/"},
                ],
                "media-types": [{"base": "application/json", "type": MEDIA_TYPE}],
            }
        ]
    }


class Root(ApiView):
    """The versions that there are."""

    authentication_classes = ()
    answers = {"GET": 300, "POST": 300}

    @property
    def allowed_methods(self) -> list[str]:
        """Return the methods that some clients discover with."""
        return ["GET", "HEAD", "POST"]

    def get(self, request: Request) -> Response:
        """Answer with the versions to choose from."""
        return Response(versions(request), status=300)

    def post(self, request: Request) -> Response:
        """Answer the same."""
        return self.get(request)


class VersionThree(ApiView):
    """The one version that there is."""

    authentication_classes = ()

    def get(self, request: Request) -> Response:
        """Answer with its description."""
        return Response(versions(request))


def without_slash(request: HttpRequest) -> HttpResponse:
    """Send a client that asks for /v3 to /v3/."""
    return HttpResponse(
        status=302,
        headers={"Location": f"{links.base(request)}/v3/", "Content-Type": "text/plain; charset=utf8"},
    )


RULES = {
    "root": {method: authorisation.public() for method in ("GET", "HEAD", "POST")},
    "version-three": {"GET": authorisation.public()},
    "unknown": {},
}
authorisation.register(RULES)

urlpatterns = [
    path("", Root.as_view(), name="root"),
    path("v3", without_slash, name="version-three-without-slash"),
    path("v3/", VersionThree.as_view(), name="version-three"),
    path("openapi.json", Document.as_view(), name="openapi"),
]
# To be the last of all patterns.
fallback = [re_path("^v3/", UnknownPath.as_view(), name="unknown")]
