"""What surrounds every request: its id, and the limit on the size of its body."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from storage_site.api.errors import BODY_TOO_LARGE
from storage_site.api.failures import plain
from storage_site.logs import context

REQUEST_ID = "x-openstack-request-id"
FORM = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Answering = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives each request an id and tells it to the client; keeps the caller's own one for the logs."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer `request` under an id of its own."""
        request.request_id = f"req-{uuid.uuid4()}"
        token = context.set({"request_id": request.request_id, **_callers_own(request)})
        try:
            response = self.get_response(request)
        finally:
            context.reset(token)
        response[REQUEST_ID] = request.request_id
        return response


def _callers_own(request: HttpRequest) -> dict[str, str]:
    given = request.headers.get(REQUEST_ID, "")
    return {"global_request_id": given} if FORM.fullmatch(given) else {}


class BodySizeMiddleware:
    """Refuses bodies that are larger than any call needs, before anything reads them."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer `request` unless its body is too large."""
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > settings.API_MAX_BODY_BYTES:
            return plain(request, BODY_TOO_LARGE, 413)
        return self.get_response(request)
