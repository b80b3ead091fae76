"""How the body of a request is read, JSON or XML: strictly, and never further than the contract allows."""

import json
from collections.abc import Iterator
from email.message import Message
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import JSONRenderer

from storage_site.api import elements
from storage_site.api.errors import MALFORMED_BODY
from storage_site.errors import InvalidRequest


class StrictJSONParser(JSONParser):
    """Reads JSON as the standard has it: no NaN, no text that a database could not keep."""

    renderer_class = JSONRenderer

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value written in `stream`. :raises ParseError: if it is no JSON."""
        del media_type, parser_context
        try:
            raw = stream.read()
            value = json.loads(raw.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError(MALFORMED_BODY) from error
        # Only an escape sequence can smuggle these in: raw ones are no valid JSON or no valid UTF-8.
        if b"\\u" in raw and any(_is_unstorable(text) for text in _texts_in(value)):
            raise ParseError(MALFORMED_BODY)
        return value


class StrictXMLParser(BaseParser):
    """Reads XML that stands for JSON: neither a document type nor entities, no text that a database could not keep."""

    media_type = "application/xml"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value written in `stream`. :raises InvalidRequest: if there is none, saying why."""
        del parser_context
        try:
            _require_utf8(media_type or "")
            value = elements.read(stream.read())
        except elements.NotReadable as error:
            raise InvalidRequest(f"{MALFORMED_BODY}: {error}.") from error
        if any(_is_unstorable(text) for text in _texts_in(value)):
            raise InvalidRequest(f"{MALFORMED_BODY}: it contains characters that cannot be kept.")
        return value


def _require_utf8(media_type: str) -> None:
    content_type = Message()
    content_type["Content-Type"] = media_type
    if str(content_type.get_param("charset", "utf-8")).lower() not in elements.ENCODINGS:
        raise elements.NotReadable("only UTF-8 is read")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_unstorable(text: str) -> bool:
    return any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def _texts_in(value: Any) -> Iterator[str]:
    """Yield every text in `value`: an explicit stack, because depth is the client's choice."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            waiting.extend(current)
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
