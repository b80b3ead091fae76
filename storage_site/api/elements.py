"""JSON values as XML and back, without loss: the mapping that docs/xml.md specifies."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

DEEPEST = 100
WHOLE, ITEM, MEMBER = "body", "item", "member"
# Names that need no explanation; whatever else is a name in JSON stands in an attribute.
NAME = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", re.IGNORECASE | re.ASCII)
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DECLARED = re.compile(r"<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")
ENCODINGS = {"utf-8", "utf8", "us-ascii"}
TYPES = ("string", "number", "boolean", "object", "array")
ATTRIBUTES = {"type", "null", "escaped", "key", "escaped-key", "whole"}
LINE_END = {"\r": "&#13;"}
LINE_ENDS = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}

Attributes = dict[str, str]


class NotReadable(ValueError):
    """The text is not XML, or not XML that stands for a value; the message says why."""


# --- writing -------------------------------------------------------------------------------------------------


def written(value: Any) -> bytes:
    """Return the document for `value`, which json.loads has made or could have made."""
    match value:
        case dict() if len(value) == 1:
            [(name, inner)] = value.items()
            element = _element(name, inner)
        case _:
            element = _element(WHOLE, value, {"whole": "true"})
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{"".join(element)}'.encode()


def _element(name: str, value: Any, also: Attributes | None = None) -> Iterator[str]:
    tag, attributes = _tag(name)
    attributes |= also or {}
    content: Iterator[str] | str = ""
    match value:
        case None:
            attributes["null"] = "true"
        case str():
            if UNWRITABLE.search(value):
                attributes["escaped"] = "true"
                value = _escaped(value)
            content = escape(value, LINE_END)
        case bool() | int() | float():
            attributes["type"] = "boolean" if isinstance(value, bool) else "number"
            content = json.dumps(value, allow_nan=False)
        case list():
            attributes["type"] = "array"
            content = (part for item in value for part in _element(singular(name), item))
        case dict():
            if not value:
                attributes["type"] = "object"
            content = (part for key, inner in value.items() for part in _element(key, inner))
        case _:
            raise TypeError(f"{type(value).__name__} is nothing that JSON has")
    shown = "".join(f" {key}={quoteattr(text, LINE_ENDS)}" for key, text in attributes.items())
    yield f"<{tag}{shown}>"
    yield from content
    yield f"</{tag}>"


def _tag(name: str) -> tuple[str, Attributes]:
    if NAME.fullmatch(name):
        return name, {}
    if UNWRITABLE.search(name):
        return MEMBER, {"escaped-key": _escaped(name)}
    return MEMBER, {"key": name}


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def singular(name: str) -> str:
    """Return what one item of the list `name` is called."""
    if NAME.fullmatch(name) and name.endswith("s") and not name.endswith("ss") and len(name) > 1:
        return name[:-3] + "y" if name.endswith("ies") else name[:-1]
    return ITEM


# --- reading -------------------------------------------------------------------------------------------------


def read(raw: bytes) -> Any:
    """Return the value that the document `raw` stands for. :raises NotReadable: if it stands for none."""
    reading = _Reading()
    # It refuses a DTD where it begins, so no entity is ever declared, let alone fetched or expanded.
    parser = XMLParser(target=reading, encoding="utf-8", forbid_dtd=True)
    try:
        parser.feed(_text(raw).encode())
        return parser.close()
    except DefusedXmlException:
        raise NotReadable("document types and entities are not read") from None
    except ParseError as error:
        raise NotReadable(f"it is not well-formed XML ({error})") from None


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable("it is not UTF-8") from None
    declared = DECLARED.match(text)
    if declared and declared[1].lower() not in ENCODINGS:
        raise NotReadable("only UTF-8 is read")
    return text


@dataclass(slots=True)
class _Open:
    """An element whose end has not come yet."""

    tag: str
    attributes: Attributes
    texts: list[str] = field(default_factory=list)
    children: list[tuple[str, Any]] = field(default_factory=list)


class _Reading:
    """Takes the parser's events and makes values of them; what is open is a list, so depth costs no stack."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._body: Any = None

    def start(self, tag: str, attributes: Attributes) -> None:
        """Open an element."""
        if len(self._open) == DEEPEST:
            raise NotReadable(f"it is nested deeper than {DEEPEST} elements")
        if "}" in tag:
            raise NotReadable("names have no namespace")
        unknown = set(attributes) - ATTRIBUTES
        if unknown or ("whole" in attributes and self._open):
            raise NotReadable(f"<{tag}> cannot have the attribute {min(unknown or {'whole'})}")
        self._open.append(_Open(tag, attributes))

    def data(self, text: str) -> None:
        """Take a piece of text."""
        self._open[-1].texts.append(text)

    def end(self, _tag: str) -> None:
        """Close the innermost element."""
        closed = self._open.pop()
        value = _value(closed)
        if self._open:
            self._open[-1].children.append((_key(closed), value))
        else:
            self._body = value if _flag(closed, "whole") else {_key(closed): value}

    def close(self) -> Any:
        """Return the body."""
        return self._body


def _value(element: _Open) -> Any:
    text = "".join(element.texts)
    if _flag(element, "null"):
        _require(not element.children and not text.strip(), element, "is null and has content")
        return None
    kind = element.attributes.get("type", "object" if element.children else "string")
    _require(kind in TYPES, element, "has an unknown type")
    if kind in {"object", "array"}:
        _require(not text.strip(), element, "has text between its elements")
        return [value for _key, value in element.children] if kind == "array" else _object(element)
    _require(not element.children, element, f"is a {kind} and has elements in it")
    if kind == "string":
        return _unescaped(text, element) if _flag(element, "escaped") else text
    return _literal(text, kind, element)


def _object(element: _Open) -> dict[str, Any]:
    members = dict(element.children)
    _require(len(members) == len(element.children), element, 'has a member twice (a list says type="array")')
    return members


def _literal(text: str, kind: str, element: _Open) -> Any:
    wanted = bool if kind == "boolean" else (int, float)
    try:
        value = json.loads(text, parse_constant=float)
    except (ValueError, RecursionError):
        value = None
    is_meant = isinstance(value, wanted) and isinstance(value, bool) == (kind == "boolean")
    # The difference is not 0 where the number is too large for a float: such a one is infinite.
    _require(is_meant and value - value == 0, element, f"is no {kind}")
    return value


def _key(element: _Open) -> str:
    if "escaped-key" in element.attributes:
        return _unescaped(element.attributes["escaped-key"], element)
    return element.attributes.get("key", element.tag)


def _unescaped(text: str, element: _Open) -> str:
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        value = None
    _require(isinstance(value, str), element, "is not escaped as JSON escapes text")
    return str(value)


def _flag(element: _Open, name: str) -> bool:
    word = element.attributes.get(name, "false")
    _require(word in {"true", "false"}, element, f"says neither true nor false for {name}")
    return word == "true"


def _require(holds: bool, element: _Open, complaint: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise NotReadable(f"<{element.tag}> {complaint}")
