"""What all Keystone v3 calls share: JSON only, Keystone's error body, who may call."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.cache import patch_vary_headers
from django_filters import FilterSet
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from storage_site.caller import Caller
from storage_site.errors import InvalidRequest, NotFound, NotSupported, StorageError
from storage_site.identity.authentication import TokenAuthentication
from storage_site.identity.catalog import base_url
from storage_site.identity.errors import TooManyAttempts, Unauthenticated

logger = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")


class ShallowJSONParser(JSONParser):
    """Read JSON that is not nested beyond reason: whoever wants to log in has shown no token yet."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body. :raises ParseError: if it is not JSON."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("Malformed request body") from None


class AlwaysJSON(DefaultContentNegotiation):
    """Answer in JSON whatever the client would rather have."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:  # noqa: ARG002
        """Return the JSON renderer."""
        return renderers[0], renderers[0].media_type


class Authenticated(BasePermission):
    """Whoever has a valid token."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - the signature is DRF's
        """Tell whether there is a caller."""
        return isinstance(request.user, Caller)


class AdminOnly(Authenticated):
    """Administrators."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller is an administrator."""
        return super().has_permission(request, view) and request.user.is_admin


class AdminOrOwnToRead(Authenticated):
    """Administrators; for reading also those whom the thing concerns: the view's `is_own` tells."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller is an administrator, or reads what is its own."""
        if not super().has_permission(request, view):
            return False
        reads_own = request.method in SAFE_METHODS and view.is_own(request.user, **view.kwargs)
        return request.user.is_admin or reads_own


class AdminOrOwn(Authenticated):
    """Administrators, and those whom the thing concerns."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller is an administrator, or deals with what is its own."""
        if not super().has_permission(request, view):
            return False
        return request.user.is_admin or view.is_own(request.user, **view.kwargs)


class Given:
    """What the deployment is made of: calls look at it, and change nothing."""

    def http_method_not_allowed(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Refuse to change it. :raises NotSupported: always, saying what does."""
        raise NotSupported(f"{request.method} is not supported here: {self.given_by}.")


class IdentityView(APIView):
    """A Keystone v3 call; for administrators unless it says otherwise."""

    authentication_classes: ClassVar = [TokenAuthentication]
    permission_classes: ClassVar = [AdminOnly]
    parser_classes: ClassVar = [ShallowJSONParser]
    renderer_classes: ClassVar = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    versioning_class = None
    throttle_classes: ClassVar = []
    schema = None  # Keystone's own documentation describes these calls

    def get_exception_handler(self) -> Any:
        """Return what makes Keystone's error bodies."""
        return answer_for

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> None:  # noqa: ARG002
        """Refuse the call in Keystone's words. :raises NotAuthenticated: or PermissionDenied, always."""
        if not isinstance(request.user, Caller):
            raise exceptions.NotAuthenticated(Unauthenticated().message)
        raise exceptions.PermissionDenied("You are not authorized to perform the requested action.")

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Return the answer, marked as depending on the token."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.pop("Vary", None)
        patch_vary_headers(response, ["X-Auth-Token"])
        return response

    @property
    def base(self) -> str:
        """Return where the client reaches the service."""
        return base_url(self.request)

    def listing(self, name: str, bodies: list[dict[str, Any]]) -> Response:
        """Return the answer with a list called `name`."""
        address = f"{self.base}{self.request.get_full_path()}"
        return Response({name: bodies, "links": {"self": address, "previous": None, "next": None}})

    def narrowed(self, filterset: type[FilterSet], rows: QuerySet) -> QuerySet:
        """Return the rows that the query asks for. :raises InvalidRequest: if it cannot be understood."""
        narrowed = filterset(self.request.query_params, queryset=rows)
        if not narrowed.is_valid():
            raise InvalidRequest(f"Invalid input for {', '.join(sorted(narrowed.errors))}.")
        return narrowed.qs

    def given(self, serializer: type[Serializer], name: str, *, partial: bool = False) -> dict[str, Any]:
        """Return what the body says inside `name`. :raises InvalidRequest: or ValidationError, if ill-formed."""
        body = self.request.data
        if not isinstance(body, dict) or not isinstance(body.get(name), dict):
            raise InvalidRequest(f"Expecting to find {name} in request body.")
        shape = serializer(data=body[name], partial=partial, context={"base": self.base})
        shape.is_valid(raise_exception=True)
        return {field: "" if value is None else value for field, value in shape.validated_data.items()}


def found(rows: QuerySet, pk: str) -> Model:
    """Return the row with this id. :raises NotFound: if there is none."""
    row = rows.filter(pk=pk).first() if _ID.fullmatch(pk) else None
    if row is None:
        kind = rows.model._meta.verbose_name  # noqa: SLF001 - Django's public name for it
        raise NotFound(f"Could not find {kind}.")
    return row


def answer_for(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return Keystone's answer for an error."""
    if isinstance(error, StorageError):
        code, message = error.http_status, error.message
    elif isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        code, message = 401, Unauthenticated().message
    elif isinstance(error, exceptions.APIException):
        code, message = error.status_code, _text(error.detail)
    elif isinstance(error, Http404):
        code, message = 404, NotFound().message
    else:
        logger.error("unexpected error", exc_info=error)
        code, message = 500, "An unexpected error prevented the server from fulfilling your request."
    response = Response({"error": {"code": code, "message": message, "title": HTTPStatus(code).phrase}}, status=code)
    if code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = TokenAuthentication().authenticate_header(context["request"])
    if isinstance(error, TooManyAttempts):
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _text(detail: Any, path: str = "") -> str:
    """Return the first of a serializer's complaints as a sentence."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        return _text(inner, path if name == "non_field_errors" else f"{path}.{name}" if path else str(name))
    if isinstance(detail, list):
        return _text(detail[0], path)
    return f"Invalid input for field '{path}': {detail}" if path else str(detail)
