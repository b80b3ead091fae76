"""The views that all resources share: what happens around a call, so that a view is one call of a service."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from rest_framework import generics
from rest_framework.exceptions import NotAuthenticated, UnsupportedMediaType
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api import authorisation, microversions, once
from storage_site.api.answers import HTML, Empty
from storage_site.api.errors import NoSuchPath
from storage_site.api.fields import UUID_FORM
from storage_site.api.openapi import ContractSchema
from storage_site.api.renderers import FORMS, JSON, VENDOR_JSON, XML, media_type_of
from storage_site.api.serializers import StrictSerializer
from storage_site.caller import Caller
from storage_site.errors import InvalidRequest, NotFound

METHODS = ("GET", "POST", "PUT", "DELETE")


class ApiView(generics.GenericAPIView[Any]):
    """One path. Around each call: token, method, version, project, rule, in this order; then the headers.

    `since`: the microversion from which the path (or, as a mapping, each method) exists. `reads`: method → the
    serializer of its body. `decides_by_body`: whether the body says what the call is. `waits`: the calls that wait
    for a worker before they answer, as the authorisation table names them. `resumes`: whether what such a call has
    accepted can be gone on with by `resume`. For the description of the API, `answers`: method → the status of
    success where that is not 200; `refuses`: method → the statuses of failure that other calls do not have.
    """

    schema = ContractSchema()
    decides_by_body: ClassVar[bool] = False
    since: ClassVar[str | Mapping[str, str]] = "3.0"
    reads: ClassVar[Mapping[str, type[StrictSerializer]]] = {}
    answers: ClassVar[Mapping[str, int]] = {}
    refuses: ClassVar[Mapping[str, tuple[int, ...]]] = {}
    waits: ClassVar[frozenset[str]] = frozenset()
    resumes: ClassVar[bool] = False
    default_response_headers: ClassVar[dict[str, str]] = {}
    request: Request

    @property
    def route(self) -> str:
        """Return the name of the path, as the authorisation table spells it."""
        match = self.request.resolver_match
        return (match and match.url_name) or ""

    @property
    def caller(self) -> Caller:
        """Return who asks."""
        return self.request.user  # type: ignore[return-value]

    def rule_key(self) -> str:
        """Return what names the call in its row of the authorisation table."""
        return str(self.request.method)

    def waits_for_worker(self) -> bool:
        """Tell whether the call answers only after a worker has done something."""
        return self.rule_key() in self.waits

    def resume(self, identity: str) -> Response:
        """Answer a call that has been accepted before, and has led to `identity`."""
        raise NotImplementedError

    def since_of_call(self) -> str:
        """Return the microversion from which the call exists."""
        return self.since if isinstance(self.since, str) else self.since.get(self.rule_key(), "3.0")

    # --- around the call -------------------------------------------------------------------------------------

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer `request`; OPTIONS of any path is answered with nothing."""
        if request.method == "OPTIONS":
            return HttpResponse()
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what must not reach the call."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        if request.user is None and not authorisation.is_public(self.route):
            raise NotAuthenticated
        if request.method not in self.allowed_methods:
            raise NoSuchPath
        request.version, request.versioning_scheme = self.determine_version(request, *args, **kwargs)
        if kwargs.get("project_id") is not None and kwargs["project_id"] != request.user.project_id:
            raise InvalidRequest("Malformed request url")
        self.refuse_body_type(request)
        key = once.key_of(request)
        if key is None:
            self.check_permissions(request)
        else:
            self._call_once(key, str(request.method).lower())

    def _call_once(self, key: str, method: str) -> None:
        """Put a call that knows the key in the place of the one that `dispatch` is about to look up."""
        call = getattr(self, method)
        setattr(self, method, lambda *args, **kwargs: once.carry_out(self, key, partial(call, *args, **kwargs)))

    @property
    def allowed_methods(self) -> list[str]:
        """Return the methods that the path has; HEAD is none of them."""
        return [method for method in METHODS if hasattr(self, method.lower())]

    def refuse_body_type(self, request: Request) -> None:
        """Refuse a body that cannot be read, also where none is wanted.

        :raises UnsupportedMediaType: if its type is neither JSON nor XML (nor a form, sent by a page).
        :raises InvalidRequest: if the call deletes something.
        """
        media_type = media_type_of(request)
        if not media_type or request.stream is None:
            return
        is_form = media_type in FORMS and request.accepted_renderer.is_for_people
        if media_type not in {JSON, VENDOR_JSON, XML} and not is_form:
            raise UnsupportedMediaType(media_type)
        if request.method == "DELETE" and not is_form:
            raise InvalidRequest

    def check_permissions(self, request: Request) -> None:
        """Refuse a call that its version does not have, or that the table does not admit for the caller."""
        if not request.version.covers(self.since_of_call()):
            raise NotFound
        super().check_permissions(request)

    def finalize_response(self, request: Request, response: HttpResponse, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return `response` with the headers that every answer of a call has."""
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None)
        if version is None:
            return response
        response[microversions.HEADER] = f"{microversions.SERVICE_TYPE} {version}"
        is_json = isinstance(request.accepted_renderer, JSONRenderer)
        response["Vary"] = microversions.HEADER if is_json else f"{microversions.HEADER}, Accept"
        if not (isinstance(response, Empty) and response.empty_media_type == HTML):
            response["x-compute-request-id"] = getattr(request, "request_id", "")
        return response

    # --- for the call ----------------------------------------------------------------------------------------

    def body(self) -> Any:
        """Return the value of the body, None where there is none. :raises ParseError: if it cannot be read."""
        if not media_type_of(self.request) or self.request.stream is None:
            return None
        return self.request.data

    def values(self) -> dict[str, Any]:
        """Return what the body says, by field. :raises serializers.ValidationError: naming the first thing wrong."""
        serializer = self.reads[str(self.request.method)](context=self.get_serializer_context())
        return dict(serializer.run_validation(self.body()))

    def written(self, serializer_class: type[Any], instance: Any, *, many: bool = False) -> Any:
        """Return `instance` as the serializer writes it for this request."""
        return serializer_class(instance, many=many, context=self.get_serializer_context()).data

    def get_serializer_class(self) -> type[StrictSerializer]:
        """Return the serializer of the body, for the forms of the browsable API."""
        return self.reads.get(str(self.request.method), StrictSerializer)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer of the body, for the forms of the browsable API."""
        return self.get_serializer_class()(*args, **kwargs, context=self.get_serializer_context())


class CollectionView(ApiView):
    """A list: filtered, sorted and cut into pages.

    `rows`: all rows; `collection`: the list's name in its body; `links_name`: the name of the links to the next
    page, "" for lists that have none; `sort_keys`: key → column; `writes`: the serializer of an item;
    `identified_by`: the column of the ids that clients know.
    """

    collection: ClassVar[str]
    links_name: ClassVar[str] = ""
    sort_keys: ClassVar[Mapping[str, str]] = {}
    counts_since: ClassVar[str | None] = None
    refuses_unknown_marker: ClassVar[bool] = True
    not_found: ClassVar[str] = NotFound.__doc__ or ""
    writes: ClassVar[type[Any]]
    identified_by: ClassVar[str] = "pk"

    def rows(self) -> QuerySet[Any]:
        """Return every row that the caller may see."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows that the list is about."""
        return self.rows()

    def list(self, _request: Request, **_kwargs: Any) -> Response:
        """Answer with a page of the list."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.written(self.writes, page, many=True))


class ResourceView(ApiView):
    """One resource, found in the path before the caller's rights are looked at.

    So an object of another project is not there at all, whatever the call. `rows`: all rows that the caller may
    see; `identified_by`: the column of the ids that clients know; `not_found`: the text where there is none, with
    `{id}` in it; `pages`: title → path below this one, which the browsable API leads to; `envelope` and `writes`: the
    member that an answer has, and the serializer of what stands in it, for the description of the API.
    """

    envelope: ClassVar[str] = ""
    identified_by: ClassVar[str] = "pk"
    pages: ClassVar[Mapping[str, str]] = {}
    not_found: ClassVar[str] = "The resource could not be found."
    _found: Model | None = None

    def rows(self) -> QuerySet[Any]:
        """Return every row that the caller may see."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows that the resource is looked for in."""
        return self.rows()

    def get_object(self) -> Any:
        """Return the resource. :raises NotFound: if there is none that the caller may see."""
        if self._found is None:
            identity = self.kwargs["id"]
            is_id = UUID_FORM.fullmatch(identity)
            row = self.get_queryset().filter(**{self.identified_by: identity.lower()}).first() if is_id else None
            if row is None:
                raise NotFound(self.not_found.format(id=identity))
            self._found = row
        return self._found

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the same, filled in with the resource where a form is to change it."""
        if self.request.method == "PUT":
            kwargs["instance"] = self.in_form()
        return super().get_serializer(*args, **kwargs)

    def in_form(self) -> Any:
        """Return what a form that changes something is filled in with: the resource, or what the path names of it."""
        return self.get_object()

    def check_permissions(self, request: Request) -> None:
        """Refuse as every call does, but tell first that nothing is there."""
        if not request.version.covers(self.since_of_call()):
            raise NotFound
        self.get_object()
        super().check_permissions(request)

    def get_extra_action_url_map(self) -> dict[str, str] | None:
        """Return where the page of the resource leads, by title."""
        address = self.request.path.removesuffix(".json")
        return {title: f"{address}/{below}" for title, below in self.pages.items()} or None


class UnknownPath(ApiView):
    """Every path that nothing else serves: without a token 401, with one 404."""
