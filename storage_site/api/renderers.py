"""How an answer is written: JSON for programs, pages for people with a browser."""

import json
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request

JSON = "application/json"
VENDOR_JSON = "application/vnd.openstack.volume+json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
HTML = "text/html"


class ContractJSONRenderer(JSONRenderer):
    """Writes JSON for programs."""

    is_for_people = False


class VendorJSONRenderer(ContractJSONRenderer):
    """Writes the same JSON under the name that the client asked for."""

    media_type = VENDOR_JSON


class BrowsableRenderer(BrowsableAPIRenderer):
    """Shows an answer, and forms for what the path accepts, as a page."""

    is_for_people = True

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Request) -> Any:
        """Return the form for a raw body, filled in with the envelope that the call wants."""
        form = super().get_raw_data_form(data, view, method, request)
        content = form and form.fields["_content"].initial
        if content:
            envelope = view.get_serializer_class().envelope()
            form.fields["_content"].initial = json.dumps({envelope: json.loads(content)}, indent=4)
        return form

    def get_default_renderer(self, view: Any) -> JSONRenderer:
        """Return what writes the answer inside of the page."""
        del view
        return ContractJSONRenderer()


class LenientNegotiation(DefaultContentNegotiation):
    """Answers in JSON whatever a program says it accepts; pages are for browsers only."""

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
        pages = next((renderer for renderer in renderers if renderer.media_type == HTML), None)
        # Programs carry a token; what they write in Accept changes nothing but the name of the JSON.
        may_be_page = pages is not None and "X-Auth-Token" not in request.headers
        for media_type in _by_preference(self.get_accept_list(request)):
            if media_type == HTML and may_be_page:
                return pages, HTML
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
