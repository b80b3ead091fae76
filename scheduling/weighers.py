"""The weighers, and the two ways of making an order of their weights (contract 07, section 7)."""

import math
import random
from collections.abc import Callable, Sequence

from scheduling import capacity
from scheduling.expressions import ExpressionError, evaluate
from scheduling.filters import scope
from scheduling.placement import Candidate, PoolReport, Ranking, RawWeights, Request, Weigher

BEST_GOODNESS = 100.0


def free_capacity(request: Request, pools: Sequence[PoolReport], multiplier: float) -> list[float]:
    """Weigh what each pool may still promise; pools that do not count come last, whichever end is wanted."""
    rooms = [capacity.room(request, pool) for pool in pools]
    counted = [one.virtual_free for one in rooms if one is not None]
    spread = max(counted) - min(counted) if counted else 0.0
    most = max(counted, default=0.0) + 1000 * max(spread, 1.0)
    uncounted = -1.0 if multiplier > 0 else most
    return [uncounted if one is None else one.virtual_free for one in rooms]


def allocated_capacity(_request: Request, pools: Sequence[PoolReport], _multiplier: float) -> list[float]:
    """Weigh what the service itself has put into each pool."""
    return [capacity.number(pool.capabilities.get("allocated_capacity_gb")) or 0.0 for pool in pools]


def chance(_request: Request, pools: Sequence[PoolReport], _multiplier: float) -> list[float]:
    """Weigh by nothing but chance."""
    return [random.random() for _ in pools]  # noqa: S311 (no secret hangs on it)


def goodness(request: Request, pools: Sequence[PoolReport], _multiplier: float) -> list[float]:
    """Weigh each pool by its own goodness_function, 0 to 100; 0 where it has none or a bad one."""
    return [_goodness(request, pool) for pool in pools]


def volume_number(_request: Request, pools: Sequence[PoolReport], _multiplier: float) -> list[float]:
    """Weigh the number of volumes in each pool."""
    return [capacity.number(pool.capabilities.get("total_volumes")) or 0.0 for pool in pools]


def _goodness(request: Request, pool: PoolReport) -> float:
    function = pool.capabilities.get("goodness_function")
    if function is None:
        return 0.0
    try:
        result = evaluate(str(function), scope(request, pool))
    except ExpressionError:
        return 0.0
    if isinstance(result, bool):
        return BEST_GOODNESS if result else 0.0
    is_valid = isinstance(result, float) and 0 <= result <= BEST_GOODNESS
    return float(result) if is_valid else 0.0


def normalised(values: Sequence[float]) -> list[float]:
    """Return `values` spread over 0 to 1; all 0 where they are equal."""
    if not values:
        return []
    least, most = min(values), max(values)
    if not least < most:
        return [0.0] * len(values)
    # Halved first: the difference of two huge values must not overflow.
    width = most / 2 - least / 2
    return [(value / 2 - least / 2) / width for value in values]


def highest_first(request: Request, pools: Sequence[PoolReport], weighers: Sequence[Weigher]) -> tuple[Candidate, ...]:
    """Order the pools by the sum of their normalised, multiplied weights; by name where they weigh the same."""
    weighed = _weighed(request, pools, weighers, normalised)
    return tuple(sorted(weighed, key=lambda one: (-one.weight, one.host, one.pool)))


def lottery(
    request: Request,
    pools: Sequence[PoolReport],
    weighers: Sequence[Weigher],
    chances: random.Random | None = None,
) -> tuple[Candidate, ...]:
    """Draw the order of the pools by lot, the sums of their plain multiplied weights being the shares.

    A share below zero is none; when nobody has one, all have the same.
    """
    waiting = _weighed(request, pools, weighers, list)
    draw = chances or random.Random()  # noqa: S311 (no secret hangs on it)
    order = []
    while waiting:
        shares = [max(one.weight, 0.0) for one in waiting]
        usable = 0 < math.fsum(shares) < math.inf
        order.append(draw.choices(waiting, weights=shares if usable else None)[0])
        waiting.remove(order[-1])
    return tuple(order)


def _weighed(
    request: Request,
    pools: Sequence[PoolReport],
    weighers: Sequence[Weigher],
    scaled: Callable[[Sequence[float]], Sequence[float]],
) -> list[Candidate]:
    """Return the pools with the sums of their scaled, multiplied weights; a weight that is not finite counts as 0."""
    sums = [0.0] * len(pools)
    for weigher in weighers:
        raw = weigher.raw(request, pools, weigher.multiplier)
        weights = scaled([value if math.isfinite(value) else 0.0 for value in raw])
        sums = [total + weigher.multiplier * weight for total, weight in zip(sums, weights, strict=True)]
    return [
        Candidate(backend=pool.backend, pool=pool.pool, host=pool.host, weight=weight)
        for pool, weight in zip(pools, sums, strict=True)
    ]


WEIGHERS: dict[str, tuple[RawWeights, float]] = {
    "CapacityWeigher": (free_capacity, 1.0),
    "AllocatedCapacityWeigher": (allocated_capacity, -1.0),
    "ChanceWeigher": (chance, 1.0),
    "GoodnessWeigher": (goodness, 1.0),
    "VolumeNumberWeigher": (volume_number, -1.0),
}
RANKINGS: dict[str, Ranking] = {
    "OrderedHostWeightHandler": highest_first,
    "StochasticHostWeightHandler": lottery,
}
