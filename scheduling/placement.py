"""The choice of a back-end: a request and the pools' reports in, ordered candidates or reasons out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DEFAULT_RATIO = "20.0"


class PoolKey(NamedTuple):
    """Names one pool of one back-end; an empty pool means any pool of that back-end."""

    backend: str
    pool: str = ""

    def covers(self, other: "PoolKey") -> bool:
        """Tell whether `other` is this pool, or one of this back-end's where no pool is named."""
        return self.backend == other.backend and self.pool in {"", other.pool}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the scheduler."""

    volume_id: str
    # What has to be found free: the size of a new volume, the difference when one grows, 0 when one is adopted.
    size_gib: int
    # Empty: any zone will do.
    availability_zones: tuple[str, ...] = ()
    # Of the volume's type; a null means that the capability must be null.
    extra_specs: Mapping[str, str | None] = field(default_factory=dict)
    type_name: str = ""
    hints: Mapping[str, Any] = field(default_factory=dict)
    # Where the volumes named in the hints live, as far as they exist and are the caller's own.
    neighbours: Mapping[str, PoolKey] = field(default_factory=dict)
    # Back-ends that were tried for this request, and why they refused.
    excluded: Mapping[str, str] = field(default_factory=dict)
    # The only place that will do: a clone stays with its source.
    pinned: PoolKey | None = None
    # Where the volume lives already when its type changes: its room there is not asked for again.
    already_at: PoolKey | None = None
    is_growing_attached: bool = False
    # For pools that report no max_over_subscription_ratio of their own: a number, or "auto".
    default_ratio: str | float = DEFAULT_RATIO
    # What filter and goodness functions see as volume.* and qos.*
    volume: Mapping[str, Any] = field(default_factory=dict)
    qos: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What a pool last said about itself, and how its service stands."""

    backend: str
    # host@backend: the name of the service that reported.
    host: str
    pool: str
    zone: str = ""
    # Named as in contract 07, section 8; whatever else the driver reports is kept beside.
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    # When it was measured, by this process's monotonic clock.
    reported_at: float = 0.0
    # ISO time (UTC) of the measurement by the reporter's own clock; shown, never compared.
    sent_at: str = ""
    is_enabled: bool = True
    disabled_reason: str = ""
    is_up: bool = True
    is_frozen: bool = False

    @property
    def key(self) -> PoolKey:
        """Return what identifies the pool."""
        return PoolKey(self.backend, self.pool)

    @property
    def name(self) -> str:
        """Return the pool's name as the API shows it: host@backend#pool."""
        return f"{self.host}#{self.pool}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool that fits, with the weight that decides its rank."""

    backend: str
    pool: str
    host: str
    weight: float

    @property
    def key(self) -> PoolKey:
        """Return what identifies the pool."""
        return PoolKey(self.backend, self.pool)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: candidates, best first, and why each other pool is none."""

    candidates: tuple[Candidate, ...]
    # Pool name (host@backend#pool) to a sentence that an operator can act on.
    refused: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the decision in the form that rows and answers keep."""
        return {
            "candidates": [
                {"backend": one.backend, "pool": one.pool, "host": one.host, "weight": round(one.weight, 4)}
                for one in self.candidates
            ],
            "refused": dict(self.refused),
        }

    def explained(self) -> str:
        """Return every refusal in one line."""
        if not self.refused:
            return "No back-end has reported."
        return "; ".join(f"{_short(name, self.refused)}: {reason}" for name, reason in sorted(self.refused.items()))


# None: the pool passes. A sentence: why it does not.
Filter = Callable[[Request, PoolReport], str | None]
# The raw value of each pool, in the order given; the last argument is the multiplier they will be weighed with.
RawWeights = Callable[[Request, Sequence[PoolReport], float], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Weigher:
    """One opinion about which pool is better, and how much it counts."""

    name: str
    raw: RawWeights
    multiplier: float = 1.0


Ranking = Callable[[Request, Sequence[PoolReport], Sequence[Weigher]], tuple[Candidate, ...]]


def place(
    request: Request,
    reports: Sequence[PoolReport],
    filters: Sequence[Filter],
    weighers: Sequence[Weigher],
    ranking: Ranking,
) -> Decision:
    """Choose the pools that may serve `request`, best first, and say why the others may not."""
    fitting: list[PoolReport] = []
    refused: dict[str, str] = {}
    for report in reports:
        reason = _refusal(request, report, filters)
        if reason is None:
            fitting.append(report)
        else:
            refused[report.name] = reason
    return Decision(ranking(request, fitting, weighers), refused)


def _refusal(request: Request, report: PoolReport, filters: Sequence[Filter]) -> str | None:
    for passes in (in_service, where_pinned, not_tried_yet, *filters):
        reason = passes(request, report)
        if reason is not None:
            return reason
    return None


def in_service(_request: Request, pool: PoolReport) -> str | None:
    """Pass pools whose service is enabled, up and not frozen. Always asked, whatever is configured."""
    if not pool.is_enabled:
        why = f" ({pool.disabled_reason})" if pool.disabled_reason else ""
        return f"the service is disabled{why}; enable {pool.host}"
    if not pool.is_up:
        return "no heartbeat; its worker is down or cannot reach the database"
    if pool.is_frozen:
        return f"the service is frozen; thaw {pool.host}"
    return None


def where_pinned(request: Request, pool: PoolReport) -> str | None:
    """Pass the one place a pinned request may go to. Always asked."""
    if request.pinned is None or request.pinned.covers(pool.key):
        return None
    return f"the volume has to be where its source or group is, on {'#'.join(filter(None, request.pinned))}"


def not_tried_yet(request: Request, pool: PoolReport) -> str | None:
    """Pass back-ends that have not refused this request already. Always asked."""
    tried = request.excluded.get(pool.backend)
    return None if tried is None else f"tried already: {tried}"


def _short(name: str, among: Mapping[str, str]) -> str:
    """Return the back-end of pool `name`, with the pool where `among` holds several of that back-end."""
    service, _, pool = name.partition("#")
    backend = service.rpartition("@")[2]
    siblings = sum(1 for other in among if other.partition("#")[0] == service)
    return f"{backend}#{pool}" if siblings > 1 else backend
