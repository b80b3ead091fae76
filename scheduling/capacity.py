"""How much room a pool has, counted in GiB (contract 07, section 4)."""

import math
from dataclasses import dataclass
from typing import Any

from scheduling.placement import PoolReport, Request

UNCOUNTED = ("infinite", "unknown")
# The ratio of an "auto" pool before anything is provisioned.
AUTO_AT_FIRST = 20.0
LARGEST = 1e30
"""What a pool reports beyond this is no size, and reckoning with it would leave the numbers there are."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a pool whose sizes are all known can still take."""

    total: float
    reserved: float
    provisioned: float
    is_thin: bool
    # NaN where the pool reports something that is no number.
    ratio: float
    free: float

    @property
    def total_available(self) -> float:
        """Return what may be promised in all."""
        counted = self.total - self.reserved
        return round(counted * self.ratio if self.is_thin else counted, 2)

    @property
    def virtual_free(self) -> float:
        """Return what may still be promised."""
        left = self.total_available - self.provisioned
        return round(left if self.is_thin else min(self.free, left), 2)


def number(value: Any) -> float | None:
    """Return `value` as a number that can be reckoned with, or None where it is none (a boolean is none)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < LARGEST else None


def is_uncounted(value: Any) -> bool:
    """Tell whether a pool reports this size as unlimited or not known."""
    return value in UNCOUNTED or value == math.inf


def provisioned(pool: PoolReport) -> float:
    """Return what the pool has promised already."""
    said = number(pool.capabilities.get("provisioned_capacity_gb"))
    if said is None:
        said = number(pool.capabilities.get("allocated_capacity_gb"))
    return said or 0.0


def reserved_percentage(pool: PoolReport) -> float:
    """Return the share of the pool that is kept back, in percent."""
    return number(pool.capabilities.get("reserved_percentage")) or 0.0


def is_thin(request: Request, pool: PoolReport) -> bool:
    """Tell whether the volume would be thin on this pool."""
    wants_thick = request.extra_specs.get("provisioning:type") == "thick"
    return pool.capabilities.get("thin_provisioning_support") is True and not wants_thick


def room(request: Request, pool: PoolReport) -> Room | None:
    """Return the pool's room, or None where total or free is not a number."""
    total, free = number(pool.capabilities.get("total_capacity_gb")), number(pool.capabilities.get("free_capacity_gb"))
    if total is None or free is None:
        return None
    thin, taken = is_thin(request, pool), provisioned(pool)
    return Room(
        total=total,
        reserved=float(math.floor(total * reserved_percentage(pool) / 100)),
        provisioned=taken,
        is_thin=thin,
        ratio=_ratio(request, pool, total=total, free=free, taken=taken) if thin else 1.0,
        free=free,
    )


def _ratio(request: Request, pool: PoolReport, *, total: float, free: float, taken: float) -> float:
    said = pool.capabilities.get("max_over_subscription_ratio")
    if said is None:
        said = request.default_ratio
    if said != "auto":
        given = number(said)
        return math.nan if given is None else given
    used = total - free + 1
    if taken <= 0 or used <= 0:
        return AUTO_AT_FIRST
    return 1 + taken / used


def refusal(request: Request, pool: PoolReport) -> str | None:
    """Say why the pool cannot take `request.size_gib` more, or None where it can."""
    total, free = pool.capabilities.get("total_capacity_gb"), pool.capabilities.get("free_capacity_gb")
    stays = request.already_at is not None and request.already_at.covers(pool.key)
    if stays or request.size_gib == 0:
        return None
    if free is None:
        return "its free capacity is not reported"
    if is_uncounted(free):
        return None
    if is_uncounted(total):
        kept = reserved_percentage(pool)
        return f"{gib(kept)} % of a total that is not known are reserved; reserve nothing" if kept else None
    counted = room(request, pool)
    if counted is None:
        return f"its capacities are no numbers: total {total!r}, free {free!r}"
    return _too_small(request.size_gib, counted)


def _too_small(asked: int, counted: Room) -> str | None:
    if counted.total <= 0:
        return f"its total capacity is {gib(counted.total)} GiB"
    if counted.is_thin and not counted.ratio >= 1:
        return "its max_over_subscription_ratio is below 1 or no number; correct the back-end's configuration"
    promised = counted.provisioned + asked
    over = counted.is_thin and (counted.total_available <= 0 or promised / counted.total_available > counted.ratio)
    if over or counted.virtual_free < asked:
        return f"{gib(counted.virtual_free)} GiB free of {_described(counted)}, {asked} asked"
    return None


def _described(counted: Room) -> str:
    """Return the total, and what was added to or taken from it before counting."""
    notes = []
    if counted.reserved:
        notes.append(f"{gib(counted.reserved)} reserved")
    if counted.is_thin and counted.ratio != 1:
        notes.append(f"promised up to {gib(counted.ratio)} times")
    return gib(counted.total) + (f" ({', '.join(notes)})" if notes else "")


def gib(amount: float) -> str:
    """Return `amount` with at most two decimals."""
    return f"{amount:.2f}".rstrip("0").rstrip(".")
