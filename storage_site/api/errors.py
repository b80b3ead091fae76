"""What goes wrong in a request, as the bodies that the contract prescribes."""

import logging
from functools import singledispatch
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from storage_site.api.answers import HTML, Empty
from storage_site.errors import InvalidRequest, NotFound, PreconditionFailed, StorageError, Unavailable

logger = logging.getLogger(__name__)

NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    501: "notImplemented",
    503: "serviceUnavailable",
}
UNNAMED = "computeFault"
TOO_LARGE = 413  # the contract's answer to an exceeded quota
SERVER_FAULT = "The server has either erred or is incapable of performing the requested operation."
NO_DATABASE = "The service cannot reach its database; try again."
MALFORMED_BODY = "Malformed request body"
NO_SUCH_PATH = {
    "message": "The resource could not be found.<br /><br />\n\n\n",
    "code": "404 Not Found",
    "title": "Not Found",
}
BODY_TOO_LARGE = {
    "message": "Request is too large.<br /><br />\n\n\n",
    "code": "413 Request Entity Too Large",
    "title": "Request Entity Too Large",
}
UNAUTHORIZED = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}
LONGEST_VALUE_SHOWN = 1000


class NoSuchPath(exceptions.APIException):
    """Nothing is served at this path with this method."""

    status_code = 404


def invalid_input(name: str, value: Any, reason: str) -> str:
    """Return the text for a member of a body that does not have the shape it should."""
    return f"Invalid input for field/attribute {name}. Value: {_cut(str(value))}. {reason}"


def brief(value: Any) -> str:
    """Return `value` as a reason quotes it, cut where it is long."""
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[:LONGEST_VALUE_SHOWN] + "…"


def fault(code: int, message: str) -> dict[str, Any]:
    """Return the body of an answer that refuses something with status `code`."""
    members: dict[str, Any] = {"code": code, "message": message}
    if code == TOO_LARGE:
        members["retryAfter"] = "0"
    return {NAMES.get(code, UNNAMED): members}


def answer_for(exc: Exception, _context: dict[str, Any]) -> Response:
    """Return the answer to the request that ended in `exc`; log what nobody expected."""
    answer = _answer(exc)
    for name, value in getattr(exc, "headers", {}).items():
        answer[name] = value
    return answer


def _refusal(code: int, message: str) -> Response:
    answer = Response(fault(code, message), status=code)
    if code == TOO_LARGE:
        answer["Retry-After"] = "0"
    return answer


@singledispatch
def _answer(exc: Exception) -> Response:
    logger.error("request failed", exc_info=exc)
    return _refusal(500, SERVER_FAULT)


@_answer.register
def _(exc: StorageError) -> Response:
    return _refusal(exc.http_status, exc.message)


@_answer.register
def _(exc: exceptions.APIException) -> Response:
    return _refusal(exc.status_code, first_text(exc.detail))


@_answer.register(OperationalError)
@_answer.register(InterfaceError)
def _(exc: Exception) -> Response:
    logger.error("the database cannot be asked", exc_info=exc)
    return _answer(Unavailable(NO_DATABASE))


@_answer.register(SuspiciousOperation)
@_answer.register(UnreadablePostError)
def _(_exc: Exception) -> Response:
    return _answer(InvalidRequest())


@_answer.register(Http404)
@_answer.register(exceptions.NotFound)
def _(_exc: Exception) -> Response:
    return _answer(NotFound())


@_answer.register
def _(exc: DjangoPermissionDenied) -> Response:
    return _refusal(403, str(exc) or "Forbidden")


@_answer.register
def _(_exc: exceptions.ParseError) -> Response:
    return _refusal(400, MALFORMED_BODY)


@_answer.register
def _(_exc: exceptions.UnsupportedMediaType) -> Response:
    return _refusal(415, "Unsupported Content-Type")


@_answer.register(exceptions.NotAuthenticated)
@_answer.register(exceptions.AuthenticationFailed)
def _(exc: Any) -> Response:
    challenge = getattr(exc, "auth_header", None)
    return Response(UNAUTHORIZED, status=401, headers={"WWW-Authenticate": challenge} if challenge else None)


@_answer.register
def _(_exc: NoSuchPath) -> Response:
    return Response(NO_SUCH_PATH, status=404)


@_answer.register
def _(exc: PreconditionFailed) -> Response:
    return Empty(exc.http_status, HTML)


def first_text(detail: Any) -> str:
    """Return the first message in what a serializer found wrong: a client shows only one."""
    while isinstance(detail, dict | list):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")
    return str(detail)
