"""The OpenAPI document of the API, derived from what the views declare."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_spectacular.views import SpectacularJSONAPIView

from storage_site.api import once, openapi_fields  # noqa: F401 - its extensions count once they are imported
from storage_site.api.microversions import HEADER, MAXIMUM, SERVICE_TYPE

TOKEN = {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
ANY_OBJECT = {"type": "object", "additionalProperties": True}
MEDIA_TYPES = ("application/json", "application/xml")
PAGING = ("limit", "marker", "offset", "sort")
VERSION = {"type": "string", "pattern": rf"^{SERVICE_TYPE} (3\.([0-9]|[1-6][0-9]|7[01])|latest)$"}

Schema = dict[str, Any]

# One member, whose name says what kind of error it is (contract 00, section 6).
FAULT: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    },
}
# What a body that is too large, or a path that there is not, is answered with instead.
PLAIN_FAULT: Schema = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("message", "code", "title")},
    "required": ["message", "code", "title"],
}
REFUSALS = {
    "400": "Something is wrong with the request, or with the state of what it is about.",
    "401": "There is no valid token.",
    "403": "The caller may not.",
    "404": "It is not there, or not for the caller, or not at this microversion.",
    "406": "There is no such microversion.",
    "413": "It is too much: for a quota, or for a body.",
    "415": "The body is neither JSON nor XML.",
    "503": "The service cannot reach what it needs.",
}
REFUSALS_OF_CHANGES = {"409": "It is there already, or in use, or another request with the key is being carried out."}
OTHER_REFUSALS = {
    "412": "What was read has been changed since.",
    "500": "The back-end has failed.",
    "501": "Nobody has this call.",
    "502": "The back-end did not answer.",
}

IDEMPOTENCY_KEY = OpenApiParameter(
    once.HEADER,
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description="The call is carried out once for each key; repetitions within 24 hours get the same answer.",
)


def of_the_api(endpoints: list[Any], **_kwargs: Any) -> list[Any]:
    """Return those of `endpoints` whose views describe themselves: ours."""
    return [each for each in endpoints if isinstance(getattr(each[3].cls, "schema", None), ContractSchema)]


class ContractSchema(AutoSchema):
    """Describes a view by its `reads`, `writes`, `actions` and filters."""

    def get_operation_id(self) -> str:
        """Return a name for the call: method and path, without the decoration."""
        words = [word.strip("{}") for word in self.path.strip("/").split("/")]
        return "_".join([self.method.lower(), *words]).replace("-", "_").rstrip("_")

    def get_tags(self) -> list[str]:
        """Return the collection that the path is about."""
        words = self.path.strip("/").split("/")
        return [words[1] if len(words) > 1 else "versions"]

    def get_auth(self) -> list[Schema]:
        """Return what a caller must show."""
        return [{"token": []}] if self.view.authentication_classes else []

    def get_filter_backends(self) -> list[Any]:
        """Return none: the parameters are named below."""
        return []

    def get_override_parameters(self) -> list[OpenApiParameter]:
        """Return the parameters of the call that are not in its path."""
        version = OpenApiParameter(HEADER, VERSION, OpenApiParameter.HEADER, description=f"{SERVICE_TYPE} {MAXIMUM}")
        filterset = getattr(self.view, "filterset_class", None)
        if self.method in once.METHODS and self.view.authentication_classes:
            return [version, IDEMPOTENCY_KEY]
        if filterset is None or self.method != "GET":
            return [version]
        names = [*PAGING, *filterset.base_filters]
        return [version, *(OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names)]

    def get_request_serializer(self) -> Any:
        """Return the shape of the body."""
        if hasattr(self.view, "actions") and self.method == "POST":
            verbs = [self._verb(name, each) for name, each in self.view.actions.items()]
            return {media_type: {"oneOf": verbs} for media_type in MEDIA_TYPES}
        reads = self.view.reads.get(self.method)
        return {media_type: self._enveloped(reads) for media_type in MEDIA_TYPES} if reads is not None else None

    def get_response_serializers(self) -> Any:
        """Return what the call answers, by status."""
        refused = dict(REFUSALS)
        if self.method in once.METHODS:
            refused |= REFUSALS_OF_CHANGES
        refused |= {str(code): OTHER_REFUSALS[str(code)] for code in self.view.refuses.get(self.method, ())}
        faults = {code: OpenApiResponse(self._fault(code), description=text) for code, text in refused.items()}
        return {**self._successes(), **faults}

    def _fault(self, code: str) -> Schema:
        return {"anyOf": [FAULT, PLAIN_FAULT]} if code in {"404", "413"} else FAULT

    def _successes(self) -> dict[str, Any]:
        if hasattr(self.view, "actions") and self.method == "POST":
            return {str(each.status): ANY_OBJECT for each in self.view.actions.values()}
        status = str(self.view.answers.get(self.method, 200))
        writes = getattr(self.view, "writes", None)
        if writes is None or self.method != "GET":
            return {status: ANY_OBJECT}
        reference = self._reference(writes, "response")
        envelope = getattr(self.view, "envelope", "")
        members = {envelope: reference} if envelope else {self.view.collection: {"type": "array", "items": reference}}
        return {status: {"type": "object", "properties": members}}

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        return [{"in": "path", "name": name, "required": True, "schema": {"type": "string"}} for name in variables]

    def _enveloped(self, reads: Any) -> Schema:
        reference = self._reference(reads, "request")
        if not reads.envelope():
            return reference
        members = {reads.envelope(): reference} | dict.fromkeys(getattr(reads.Meta, "beside", {}), ANY_OBJECT)
        return {"type": "object", "properties": members, "required": [reads.envelope()]}

    def _verb(self, name: str, verb: Any) -> Schema:
        return {
            "type": "object",
            "title": name,
            "description": f"{_meaning(verb.run)} From {verb.since}; answered with {verb.status}.".lstrip(),
            "properties": {name: self._reference(verb.reads, "request") if verb.reads else {}},
            "required": [name],
            "additionalProperties": False,
        }

    def _reference(self, serializer: Any, direction: str) -> Schema:
        component = self.resolve_serializer(serializer(), direction)
        return component.ref if component else ANY_OBJECT


def _meaning(call: Any) -> str:
    return (call.__doc__ or "").partition("\n")[0].partition(" :raises")[0]


class Document(SpectacularJSONAPIView):
    """The document, for anybody."""

    authentication_classes = ()
    permission_classes = ()
    versioning_class = None
    schema = None
    custom_settings = {
        "PREPROCESSING_HOOKS": ["storage_site.api.openapi.of_the_api"],
        "APPEND_COMPONENTS": {"securitySchemes": {"token": TOKEN}},
        # Its only complaint is that it does not know our way of versioning, which is a header in the document.
        "DISABLE_ERRORS_AND_WARNINGS": True,
    }
