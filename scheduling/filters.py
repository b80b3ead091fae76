"""The filters: each passes a pool (None) or says in a sentence why not (contract 07, section 3)."""

import uuid
from collections.abc import Mapping
from typing import Any

from scheduling import capacity, extra_specs, queries
from scheduling.expressions import ExpressionError, evaluate
from scheduling.placement import Filter, PoolReport, Request, not_tried_yet


def availability_zone(request: Request, pool: PoolReport) -> str | None:
    """Pass pools in one of the request's zones; any pool where none is asked for."""
    if not request.availability_zones or pool.zone in request.availability_zones:
        return None
    return f"it is in zone {pool.zone or '(none)'}, {' or '.join(request.availability_zones)} asked"


def room(request: Request, pool: PoolReport) -> str | None:
    """Pass pools that can take the size asked."""
    return capacity.refusal(request, pool)


def capabilities(request: Request, pool: PoolReport) -> str | None:
    """Pass pools that have what the type's extra specs ask for."""
    if request.is_growing_attached and pool.capabilities.get("online_extend_support") is False:
        return "it cannot extend a volume while it is attached; detach it first"
    return extra_specs.mismatch(request.extra_specs, pool.capabilities)


def different_backend(request: Request, pool: PoolReport) -> str | None:
    """Pass pools that hold none of the volumes in the hint different_host."""
    named = _named_volumes(request.hints.get("different_host"))
    if named is None:
        return "the hint different_host has to be volume ids"
    there = [one for one in named if _is_on(request, one, pool)]
    return f"volume {there[0]} is there, another place was asked" if there else None


def same_backend(request: Request, pool: PoolReport) -> str | None:
    """Pass pools that hold at least one of the volumes in the hint same_host."""
    named = _named_volumes(request.hints.get("same_host"))
    if named is None:
        return "the hint same_host has to be volume ids"
    if not named or any(_is_on(request, one, pool) for one in named):
        return None
    return f"none of the volumes {', '.join(named)} is there, their place was asked"


def json_query(request: Request, pool: PoolReport) -> str | None:
    """Pass pools for which the query in the hint `query` is true."""
    query = request.hints.get("query")
    if not query:
        return None
    try:
        return None if queries.holds(query, attributes(pool)) else f"the query {query} is not true for it"
    except queries.QueryError as error:
        return f"the hint query cannot be read: {error}"


def driver_function(request: Request, pool: PoolReport) -> str | None:
    """Pass pools whose own filter_function is true for the request; pools without one."""
    function = pool.capabilities.get("filter_function")
    if function is None:
        return None
    try:
        result = evaluate(str(function), scope(request, pool))
    except ExpressionError as error:
        return f"its filter_function {function!r} fails: {error}"
    passes = bool(result) and not isinstance(result, str)
    return None if passes else f"its filter_function {function!r} gives {result!r}"


def attributes(pool: PoolReport) -> dict[str, Any]:
    """Return what expressions and queries may name of a pool."""
    return {
        **pool.capabilities,
        "host": pool.name,
        "backend_id": pool.name,
        "pool_name": pool.pool,
        "availability_zone": pool.zone,
        "capabilities": pool.capabilities,
    }


def scope(request: Request, pool: PoolReport) -> Mapping[str, Any]:
    """Return the variables of filter and goodness functions."""
    return {
        "stats": attributes(pool),
        "capabilities": pool.capabilities,
        "volume": {"id": request.volume_id, "size": request.size_gib, **request.volume},
        "extra": request.extra_specs,
        "qos": request.qos,
    }


def _named_volumes(hint: object) -> list[str] | None:
    """Return the volume ids in a hint, or None where it holds anything else."""
    given = [hint] if isinstance(hint, str) else hint or []
    if not isinstance(given, list | tuple):
        return None
    try:
        return [str(uuid.UUID(one)) for one in given]
    except (ValueError, AttributeError, TypeError):
        return None


def _is_on(request: Request, volume_id: str, pool: PoolReport) -> bool:
    place = request.neighbours.get(volume_id)
    return place is not None and place.covers(pool.key)


FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": availability_zone,
    "CapacityFilter": room,
    "CapabilitiesFilter": capabilities,
    "DifferentBackendFilter": different_backend,
    "SameBackendFilter": same_backend,
    "JsonFilter": json_query,
    "DriverFilter": driver_function,
    "IgnoreAttemptedHostsFilter": not_tried_yet,
}
