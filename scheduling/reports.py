"""What each volume worker last said about its pools: kept in this process's memory, forgotten when it grows old."""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from scheduling.capacity import is_uncounted, number
from scheduling.placement import Decision, PoolKey, PoolReport

logger = logging.getLogger(__name__)


class MalformedReportError(ValueError):
    """The report is not of the agreed form."""


def to_pool_reports(report: Mapping[str, Any], *, reported_at: float = 0.0) -> list[PoolReport]:
    """Return the pools of a worker's report; of a malformed one none, with a line in the log.

    The form: backend, host (host@backend), zone, sent_at (ISO time of the measurement) and pools, each with
    the capabilities of contract 07, section 8. Members that are not known are left alone.
    """
    try:
        backend, host = _text(report, "backend"), _text(report, "host")
        zone, sent_at = _text(report, "zone"), _moment(_text(report, "sent_at")).isoformat()
        pools = _pools(report.get("pools"))
    except MalformedReportError as error:
        logger.warning("report refused", extra={"reason": str(error), "reporter": str(report)[:200]})
        return []
    return [
        PoolReport(
            backend=backend,
            host=host,
            # A back-end without pools has one, named after the back-end (contract 07, section 1).
            pool=pool.get("pool_name") or pool.get("volume_backend_name") or "_pool0",
            zone=zone,
            capabilities=pool,
            reported_at=reported_at,
            sent_at=sent_at,
        )
        for pool in pools
    ]


def _text(report: Mapping[str, Any], name: str) -> str:
    found = report.get(name) if isinstance(report, Mapping) else None
    if not isinstance(found, str) or not found:
        raise MalformedReportError(f"{name} has to be text")
    return found


def _pools(found: object) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        raise MalformedReportError("pools has to be a list")
    for pool in found:
        if not isinstance(pool, Mapping):
            raise MalformedReportError("a pool has to be an object")
        if not all(isinstance(pool.get(name) or "", str) for name in ("pool_name", "volume_backend_name")):
            raise MalformedReportError("pool_name and volume_backend_name have to be text")
    return [dict(pool) for pool in found]


def _moment(sent_at: str) -> datetime:
    """Return the time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(sent_at)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedReportError("sent_at has to be an ISO time") from None


@dataclass(frozen=True, slots=True)
class Taken:
    """Room given to a volume since the pool was last measured."""

    key: PoolKey
    size_gib: int
    at: float


@dataclass(frozen=True, slots=True)
class _Known:
    """The last report of one back-end."""

    pools: list[PoolReport]
    received_at: float
    measured_at: float
    # This clock minus the reporter's, as the quickest report so far shows it.
    offset: float


class ReportStore:
    """The reports of all back-ends, and what was given away since they were measured. Safe between threads."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._taken: dict[str, Taken] = {}
        self._asked_at: float | None = None
        # Held for each look and change; woken by each report.
        self._news = threading.Condition()

    def receive(self, report: Mapping[str, Any]) -> None:
        """Keep what a worker reports, unless something newer is known of its back-end.

        What was given away before the measurement is part of its numbers and no longer added to them.
        """
        pools = to_pool_reports(report)
        if not pools:
            return
        backend = pools[0].backend
        with self._news:
            known = self._known.get(backend)
            offset, measured_at = self._measured(known, _moment(pools[0].sent_at).timestamp())
            if known is not None and measured_at < known.measured_at:
                return
            pools = [replace(pool, reported_at=measured_at) for pool in pools]
            self._known[backend] = _Known(pools, self._clock(), measured_at, offset)
            self._taken = {
                volume_id: taken
                for volume_id, taken in self._taken.items()
                if taken.key.backend != backend or taken.at > measured_at
            }
            self._news.notify_all()

    def _measured(self, known: _Known | None, sent_at: float) -> tuple[float, float]:
        """Return the offset to the reporter's clock, and the moment of the measurement by this one.

        Clocks of two machines differ, so a report is dated by the quickest one that came before it; after a
        jump of a clock (nothing travels longer than reports live) the count begins anew.
        """
        offset = self._clock() - sent_at
        if known is not None and known.offset < offset <= known.offset + self._lifetime_s:
            offset = known.offset
        return offset, sent_at + offset

    def pools(self) -> list[PoolReport]:
        """Return all pools whose report is still fresh, less what was given away since."""
        with self._news:
            self._drop_old()
            return [self._adjusted(pool) for known in self._known.values() for pool in known.pools]

    def decide(self, choose: Callable[[list[PoolReport]], Decision], *, volume_id: str, size_gib: int) -> Decision:
        """Let `choose` decide about the pools and take the room from its first candidate, as one step.

        A volume decided about before gives its earlier room back first.
        """
        with self._news:
            self._taken.pop(volume_id, None)
            decision = choose(self.pools())
            if decision.candidates:
                self._taken[volume_id] = Taken(decision.candidates[0].key, size_gib, self._clock())
            return decision

    def hosts(self) -> set[str]:
        """Return the services (host@backend) whose report is fresh."""
        return {pool.host for pool in self.pools()}

    def wait_for(self, hosts: Collection[str], timeout_s: float) -> bool:
        """Wait until all of `hosts` (anybody, where none is named) have reported; tell whether they have.

        Not longer than `timeout_s`, and not at all where that is negative.
        """

        def have_reported() -> bool:
            known = self.hosts()
            return bool(known) and known.issuperset(hosts)

        with self._news:
            return self._news.wait_for(have_reported, max(timeout_s, 0))

    def note_asked(self, again_after_s: float) -> bool:
        """Tell whether workers should be asked for reports now, and if so take it for done."""
        with self._news:
            now = self._clock()
            if self._asked_at is not None and now < self._asked_at + again_after_s:
                return False
            self._asked_at = now
            return True

    def asked_s_ago(self) -> float:
        """Return how long ago workers were asked last."""
        with self._news:
            return math.inf if self._asked_at is None else self._clock() - self._asked_at

    def forget(self) -> None:
        """Forget everything, as a process that has just started."""
        with self._news:
            self._known, self._taken, self._asked_at = {}, {}, None

    def _adjusted(self, pool: PoolReport) -> PoolReport:
        taken = [one.size_gib for one in self._taken.values() if one.key == pool.key]
        return replace(pool, capabilities=less(pool.capabilities, taken)) if taken else pool

    def _drop_old(self) -> None:
        oldest = self._clock() - self._lifetime_s
        self._known = {backend: known for backend, known in self._known.items() if known.received_at >= oldest}
        self._taken = {volume_id: taken for volume_id, taken in self._taken.items() if taken.key.backend in self._known}


def less(capabilities: Mapping[str, Any], taken: list[int]) -> dict[str, Any]:
    """Return `capabilities` after volumes of these sizes were put there (contract 07, section 4)."""
    size = sum(taken)
    changed = dict(capabilities)
    changed["allocated_capacity_gb"] = (number(changed.get("allocated_capacity_gb")) or 0) + size
    for name, change in (("provisioned_capacity_gb", size), ("total_volumes", len(taken)), ("free_capacity_gb", -size)):
        known = None if is_uncounted(changed.get(name)) else number(changed.get(name))
        if known is not None:
            changed[name] = max(known + change, 0)
    return changed


REPORTS = ReportStore(lifetime_s=settings.SERVICE_DOWN_S)
