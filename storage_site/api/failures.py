"""Answers to requests that fail before, or beside, any view of the API."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from storage_site.api.errors import NO_SUCH_PATH, SERVER_FAULT, fault
from storage_site.errors import InvalidRequest


def bad_request(_request: HttpRequest, exception: Any = None) -> JsonResponse:
    """Answer a request that Django itself refuses."""
    del exception
    return JsonResponse(fault(400, InvalidRequest().message), status=400)


def not_found(_request: HttpRequest, exception: Any = None) -> JsonResponse:
    """Answer a request for a path that nobody serves."""
    del exception
    return JsonResponse(NO_SUCH_PATH, status=404)


def server_error(_request: HttpRequest) -> JsonResponse:
    """Answer a request that failed in a way nobody foresaw; Django has logged it."""
    return JsonResponse(fault(500, SERVER_FAULT), status=500)
