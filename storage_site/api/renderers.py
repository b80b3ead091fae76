"""How an answer is written: JSON for programs, XML for those that insist, pages for people with a browser."""

import json
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request

from storage_site.api import elements
from storage_site.errors import StorageError

JSON = "application/json"
XML = "application/xml"
VENDOR_JSON = "application/vnd.openstack.volume+json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
HTML = "text/html"


class ContractJSONRenderer(JSONRenderer):
    """Writes JSON for programs."""

    is_for_people = False


class VendorJSONRenderer(ContractJSONRenderer):
    """Writes the same JSON under the name that the client asked for."""

    media_type = VENDOR_JSON


class XMLRenderer(BaseRenderer):
    """Writes as XML what would stand in the JSON (docs/xml.md)."""

    media_type, format, charset = XML, "xml", "utf-8"
    is_for_people = False

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the document, nothing where there is no body."""
        del accepted_media_type, renderer_context
        return elements.written(json.loads(ContractJSONRenderer().render(data))) if data is not None else b""


class BrowsableRenderer(BrowsableAPIRenderer):
    """Shows an answer, and forms for what the path accepts, as a page."""

    is_for_people = True

    def get_context(self, data: Any, accepted_media_type: str | None, renderer_context: Any) -> dict[str, Any]:
        """Return what the page is made from; our paths have nothing to say to OPTIONS."""
        return super().get_context(data, accepted_media_type, renderer_context) | {"options_form": None}

    def show_form_for_method(self, view: Any, method: str, request: Request, obj: Any) -> bool:
        """Tell whether the caller could make the call; never where the request did not even get so far."""
        if getattr(request, "version", None) is None:
            return False
        if view.decides_by_body and method == "POST":
            return True
        try:
            return bool(super().show_form_for_method(view, method, request, obj))
        except StorageError:
            return False

    def get_rendered_html_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Return the form for a call, None where the call reads no body of a known shape."""
        if method in {"POST", "PUT"} and method not in view.reads:
            return None
        return super().get_rendered_html_form(data, view, method, request)

    def render_form_for_serializer(self, serializer: Any) -> Any:
        """Return the form with the fields that a person is likely to want (`Meta.on_page`), else with all."""
        wanted = getattr(serializer.Meta, "on_page", None)
        for name in set(serializer.fields) - set(wanted if wanted is not None else serializer.fields):
            del serializer.fields[name]
        return super().render_form_for_serializer(serializer)

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Return the form for a raw body, filled in with the envelope that the call wants."""
        form = super().get_raw_data_form(data, view, method, request)
        if form and method in view.reads and (envelope := view.reads[method].envelope()):
            members = json.loads(form.fields["_content"].initial or "{}")
            wanted = getattr(view.reads[method].Meta, "on_page", members)
            members = {name: value for name, value in members.items() if name in wanted}
            form.fields["_content"].initial = json.dumps({envelope: members}, indent=4)
        return form

    def get_breadcrumbs(self, request: Request) -> list[tuple[str, str]]:
        """Return the way to this page, without paths that serve nothing."""
        return [crumb for crumb in super().get_breadcrumbs(request) if crumb[0] != "Unknown Path"]

    def get_default_renderer(self, view: Any) -> JSONRenderer:
        """Return what writes the answer inside of the page."""
        del view
        return ContractJSONRenderer()


class LenientNegotiation(DefaultContentNegotiation):
    """Answers in JSON whatever a program says it accepts, unless that is XML; pages are for browsers only."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser for the body of `request`, None for a media type that is not accepted."""
        media_type = media_type_of(request)
        if media_type in FORMS and not getattr(request.accepted_renderer, "is_for_people", False):
            return None
        wanted = JSON if media_type == VENDOR_JSON else media_type
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return what writes the answer, and the media type it is written as."""
        del format_suffix
        others = {renderer.media_type: renderer for renderer in renderers}
        # Programs carry a token; what they write in Accept changes nothing but the name of the JSON.
        if "X-Auth-Token" in request.headers:
            others.pop(HTML, None)
        for media_type in _by_preference(self.get_accept_list(request)):
            if media_type in {HTML, XML} and media_type in others:
                return others[media_type], media_type
            if media_type == VENDOR_JSON:
                return VendorJSONRenderer(), VENDOR_JSON
            if media_type in (JSON, "*/*", "application/*"):
                break
        return ContractJSONRenderer(), JSON


def media_type_of(request: Request) -> str:
    """Return the media type that `request` declares for its body, without parameters."""
    return str(request.content_type).partition(";")[0].strip().lower()


def _by_preference(accepted: list[str]) -> list[str]:
    """Return the media types in `accepted`, best first; those with weight 0 are refused ones."""
    weighed = []
    for token in accepted:
        media_type, *parameters = (part.strip().lower() for part in token.split(";"))
        weight = next((_weight(parameter[2:]) for parameter in parameters if parameter.startswith("q=")), 1.0)
        weighed.append((weight, media_type))
    weighed.sort(key=lambda pair: -pair[0])
    return [media_type for weight, media_type in weighed if weight > 0]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
