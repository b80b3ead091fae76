"""Whether a pool's capabilities are what a volume type's extra specs ask for (contract 07, section 5)."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from scheduling.capacity import number

SCOPE = "capabilities"
TRUE_WORDS = {"1", "t", "true", "on", "y", "yes"}
# "=" alone means at least: it always has.
NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
}


def mismatch(extra_specs: Mapping[str, str | None], capabilities: Mapping[str, Any]) -> str | None:
    """Name the first extra spec that `capabilities` do not satisfy, or return None."""
    for key, asked in extra_specs.items():
        path = key.split(":")
        if path[0] == SCOPE:
            path = path[1:]
        elif len(path) > 1:
            continue
        reason = _unlike(capabilities, path, asked)
        if reason is not None:
            return f"the type asks for {key} {'null' if asked is None else repr(asked)}, {reason}"
    return None


def _unlike(capabilities: Mapping[str, Any], path: list[str], asked: str | None) -> str | None:
    found: Any = capabilities
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return "which the pool does not report"
        found = found[part]
    offered = found if isinstance(found, list | tuple) else [found]
    if any(satisfies(one, asked) for one in offered):
        return None
    return f"the pool has {found!r}"


def satisfies(capability: Any, asked: str | None) -> bool:
    """Tell whether one value of a capability is what the extra spec asks for."""
    if asked is None:
        return capability is None
    sign, *words = asked.split() or [""]
    if sign == "<or>":
        return any(capability == word for word in words[::2])
    if sign not in NUMERIC and sign not in TEXTUAL and sign not in {"<in>", "<is>"}:
        return bool(capability == asked)
    if capability is None or not words:
        return False
    return _compared(capability, sign, words[0])


def _compared(capability: Any, sign: str, word: str) -> bool:
    if sign in NUMERIC:
        left, right = number(capability), number(word)
        return left is not None and right is not None and NUMERIC[sign](left, right)
    if sign in TEXTUAL:
        return TEXTUAL[sign](str(capability), word)
    if sign == "<is>":
        return _is_true(capability) is _is_true(word)
    return isinstance(capability, str) and word in capability


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in TRUE_WORDS
