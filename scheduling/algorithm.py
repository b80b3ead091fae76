"""The algorithm that the settings ask for: names to filters, weighers and the way of ordering."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings

from scheduling.capacity import number
from scheduling.filters import FILTERS
from scheduling.placement import Filter, Ranking, Weigher
from scheduling.weighers import RANKINGS, WEIGHERS

F = TypeVar("F")


class UnknownNameError(LookupError):
    """A setting of the scheduler names something that is not there."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How pools are chosen in this process."""

    filters: tuple[Filter, ...]
    weighers: tuple[Weigher, ...]
    ranking: Ranking


@lru_cache(maxsize=1)
def configured() -> Algorithm:
    """Return the algorithm of the settings. :raises UnknownNameError: naming the first bad entry."""
    return Algorithm(
        filters=tuple(filter_named(name) for name in settings.SCHEDULER_FILTERS),
        weighers=tuple(weigher_named(name) for name in settings.SCHEDULER_WEIGHERS),
        ranking=ranking_named(settings.SCHEDULER_WEIGHT_HANDLER),
    )


def problems() -> Iterator[str]:
    """Yield a sentence for each bad entry of the scheduler's settings."""
    named: list[tuple[str, Callable[[str], Any], list[str]]] = [
        ("SCHEDULER_FILTERS", filter_named, settings.SCHEDULER_FILTERS),
        ("SCHEDULER_WEIGHERS", weigher_named, settings.SCHEDULER_WEIGHERS),
        ("SCHEDULER_WEIGHT_HANDLER", ranking_named, [settings.SCHEDULER_WEIGHT_HANDLER]),
    ]
    for setting, resolve, names in named:
        for name in names:
            try:
                resolve(name)
            except UnknownNameError as error:
                yield f"{setting}: {error}"
    for name, multiplier in settings.SCHEDULER_WEIGHT_MULTIPLIERS.items():
        if isinstance(multiplier, bool) or not isinstance(multiplier, int | float):
            yield f"SCHEDULER_WEIGHT_MULTIPLIERS: {name} has to have a number, not {multiplier!r}"
        if name not in settings.SCHEDULER_WEIGHERS:
            yield f"SCHEDULER_WEIGHT_MULTIPLIERS: {name!r} is not in SCHEDULER_WEIGHERS"
    ratio = settings.SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO
    if ratio != "auto" and (number(ratio) or 0) < 1:
        yield f"SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO has to be auto or a number from 1, not {ratio!r}"
    if settings.SCHEDULER_MAX_ATTEMPTS < 1:
        yield f"SCHEDULER_MAX_ATTEMPTS has to be at least 1, not {settings.SCHEDULER_MAX_ATTEMPTS!r}"


def filter_named(name: str) -> Filter:
    """Return the filter `name`: one of ours, or anybody's by its dotted path.

    :raises UnknownNameError: if it cannot be found.
    """
    return _resolved(name, FILTERS, "filter")


def weigher_named(name: str) -> Weigher:
    """Return the weigher `name`, with its multiplier from the settings.

    :raises UnknownNameError: if it cannot be found.
    """
    ours = {known: raw for known, (raw, _) in WEIGHERS.items()}
    raw = _resolved(name, ours, "weigher")
    usual = WEIGHERS[name][1] if name in WEIGHERS else 1.0
    return Weigher(name, raw, settings.SCHEDULER_WEIGHT_MULTIPLIERS.get(name, usual))


def ranking_named(name: str) -> Ranking:
    """Return the way of ordering called `name`. :raises UnknownNameError: if there is none."""
    return _resolved(name, RANKINGS, "weight handler")


def default_ratio() -> str | float:
    """Return the over-subscription ratio of pools that report none."""
    ratio: str | float = settings.SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO
    return ratio


def _resolved(name: str, ours: Mapping[str, F], kind: str) -> F:
    if name in ours:
        return ours[name]
    known = f"known: {', '.join(ours)}; anybody else's by its dotted path"
    if "." not in name.strip("."):
        raise UnknownNameError(f"there is no {kind} {name!r}; {known}")
    try:
        found: Any = pkgutil.resolve_name(name)
        found = found() if isinstance(found, type) else found
    except Exception as error:  # any failure of foreign code, named to the operator
        raise UnknownNameError(f"the {kind} {name!r} cannot be loaded ({error!r}); {known}") from error
    if not callable(found):
        raise UnknownNameError(f"the {kind} {name!r} cannot be called; {known}")
    return found  # type: ignore[no-any-return]
