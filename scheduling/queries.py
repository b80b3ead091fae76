"""The JSON query that a request may carry as its hint `query` (contract 07, section 3)."""

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 20


class QueryError(Exception):
    """The query cannot be understood."""


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    """Return an operator that compares its first argument with each of the others."""

    def compare(given: list[Any]) -> bool:
        try:
            return len(given) > 1 and all(holds(given[0], other) for other in given[1:])
        except TypeError:
            return False

    return compare


OPERATORS: dict[str, Callable[[list[Any]], bool]] = {
    "=": _ordered(operator.eq),
    "<": _ordered(operator.lt),
    ">": _ordered(operator.gt),
    "<=": _ordered(operator.le),
    ">=": _ordered(operator.ge),
    "in": lambda given: len(given) > 1 and given[0] in given[1:],
    # One that does not hold is enough.
    "not": lambda given: any(not one for one in given),
    "or": any,
    "and": all,
}


def holds(query: Any, pool: Mapping[str, Any]) -> bool:
    """Tell whether `query` (a list, or JSON text of one) is true for what is known of a pool.

    :raises QueryError: if it is no such query.
    """
    if isinstance(query, str):
        try:
            query = json.loads(query)
        except (ValueError, RecursionError):
            raise QueryError("it is not JSON") from None
    return bool(_value(query, pool, MAX_DEPTH)) if query else True


def _value(query: Any, pool: Mapping[str, Any], depth: int) -> bool:
    if not isinstance(query, list) or not depth:
        raise QueryError(f'it is not a list like [">=", "$free_capacity_gb", 100], nested at most {MAX_DEPTH} deep')
    if not query:
        return True
    apply = OPERATORS.get(query[0]) if isinstance(query[0], str) else None
    if apply is None:
        raise QueryError(f"{query[0]!r} is none of {' '.join(OPERATORS)}")
    given = [_argument(one, pool, depth) for one in query[1:]]
    return apply([one for one in given if one is not None])


def _argument(given: Any, pool: Mapping[str, Any], depth: int) -> Any:
    if isinstance(given, list):
        return _value(given, pool, depth - 1)
    if not isinstance(given, str):
        return given
    return _looked_up(given[1:].split("."), pool) if given.startswith("$") else given or None


def _looked_up(path: list[str], pool: Mapping[str, Any]) -> Any:
    found: Any = pool
    for part in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found
