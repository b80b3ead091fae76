"""Keeping secrets off the pages."""

import re
from collections.abc import Collection, Mapping
from typing import Any

HIDDEN = "(hidden)"
_LOG_IN = re.compile(r"(?<=://)[^/?#\s]*@")  # of an address
_SECRET = re.compile(r"pass|secret|token|credential|auth|key|chap|private", re.IGNORECASE)


def only(values: Mapping[str, Any], shown: Collection[str]) -> dict[str, Any]:
    """Return `values` with every member hidden that is not named in `shown`, or is a table itself.

    For what is full of secrets: a member that nobody thought of stays hidden.
    """
    return {name: value if name in shown and _is_plain(value) else HIDDEN for name, value in values.items()}


def censored(value: Any) -> Any:
    """Return `value` with every member hidden, however deep, whose name speaks of a secret, and log-ins in addresses.

    For what should hold none.
    """
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _SECRET.search(str(name)) and inner not in (None, "") else censored(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [censored(inner) for inner in value]
    return _LOG_IN.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(inner) for inner in value)
    return value is None or isinstance(value, str | int | float | bool)
