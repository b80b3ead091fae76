"""Answers to requests that fail before, or beside, any view of the API."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from storage_site.api.errors import NO_SUCH_PATH, SERVER_FAULT, fault
from storage_site.api.renderers import LenientNegotiation, XMLRenderer
from storage_site.errors import InvalidRequest


def plain(request: HttpRequest, body: dict[str, Any], status: int) -> HttpResponse:
    """Return `body` as JSON, or as XML to those who insist."""
    renderer, media_type = LenientNegotiation().select_renderer(request, [XMLRenderer()])
    suffix = f"; charset={renderer.charset}" if renderer.charset else ""
    return HttpResponse(renderer.render(body), status=status, content_type=media_type + suffix)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer a request that Django itself refuses."""
    del exception
    return plain(request, fault(400, InvalidRequest().message), 400)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer a request for a path that nobody serves."""
    del exception
    return plain(request, NO_SUCH_PATH, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed in a way nobody foresaw; Django has logged it."""
    return plain(request, fault(500, SERVER_FAULT), 500)
