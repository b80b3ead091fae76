"""Deciding for each slot of a volume whether it must be read, is zeros, or is known from the parent."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from backups.engine.errors import Damaged
from backups.engine.manifest import Geometry, Manifest, slots_of
from backups.engine.source import ChunkSource
from drivers.connect.base import Connection

Changed = Callable[[int, int], Iterable[tuple[int, int]]]
"""Given (offset, length), the ranges inside that were written or discarded since the parent was made."""


@dataclass(slots=True)
class SegmentPlan:
    """One segment: what is known about its slots, and which of them must be read."""

    number: int
    slots: list[bytes | None]
    wanted: bytearray

    def skip(self, known: list[bytes | None]) -> None:
        """Take over slots that an earlier attempt finished, from the first on."""
        self.slots[: len(known)] = known
        self.wanted[: len(known)] = bytes(len(known))

    def spans(self, most: int) -> Iterator[tuple[int, int]]:
        """Yield (first slot, count) of neighbours that must be read, at most `most` of them at once."""
        at = self.wanted.find(1)
        while at >= 0:
            end = self.wanted.find(0, at, at + most)
            end = min(at + most, len(self.wanted)) if end < 0 else end
            yield at, end - at
            at = self.wanted.find(1, end)


class Planner:
    """Plans segment after segment. Without a list of changes everything that is no hole is read."""

    def __init__(
        self, geometry: Geometry, source: ChunkSource, parent: Manifest | None, changed: Changed | None
    ) -> None:
        self._geometry, self._source, self._changed = geometry, source, changed
        self._parent = parent if changed and parent and self._is_comparable(parent.geometry) else None

    def plan(self, number: int, connection: Connection) -> SegmentPlan:
        """Decide about one segment."""
        count = self._geometry.slots_of(number)
        start = number * self._geometry.segment_slots * self._geometry.chunk_bytes
        length = min(count * self._geometry.chunk_bytes, self._geometry.volume_bytes - start)
        known = (extent for extent in connection.extents(start, length) if extent.is_data)
        wanted = self._flags(start, count, ((extent.offset, extent.length) for extent in known))
        plan = SegmentPlan(number, [None] * count, wanted)
        inherited = self._inherited(number)
        if inherited and self._changed:
            touched = self._flags(start, count, self._changed(start, length))
            self._inherit(plan, inherited, touched)
        return plan

    def _inherit(self, plan: SegmentPlan, inherited: list[bytes | None], touched: bytearray) -> None:
        """Take over from the parent what did not change and can be relied upon."""
        for slot, chunk_id in enumerate(inherited):
            if touched[slot]:
                continue
            if chunk_id is None:
                plan.wanted[slot] = 0
            elif self._source.index.is_stored(chunk_id):
                plan.slots[slot], plan.wanted[slot] = chunk_id, 0

    def _inherited(self, number: int) -> list[bytes | None]:
        """Return the parent's slots that are slots of this volume too; none where the parent is not whole."""
        if self._parent is None or number >= self._parent.geometry.segments:
            return []
        try:
            found = slots_of(self._parent, number, self._source)
        except Damaged:
            return []  # verify finds and names it; this backup reads the volume instead
        first = number * self._geometry.segment_slots
        lengths = self._parent.geometry.length_of
        same = [slot for slot in range(len(found)) if lengths(first + slot) == self._length_of(first + slot)]
        return found[: len(same)]

    def _length_of(self, slot: int) -> int:
        return max(0, self._geometry.length_of(slot))

    def _is_comparable(self, other: Geometry) -> bool:
        """Return whether the parent was divided like this volume."""
        mine = self._geometry.chunk_bytes, self._geometry.segment_slots
        return (other.chunk_bytes, other.segment_slots) == mine

    def _flags(self, start: int, count: int, ranges: Iterable[tuple[int, int]]) -> bytearray:
        """Return one byte per slot, 1 where a range touches it."""
        found = bytearray(count)
        size = self._geometry.chunk_bytes
        for offset, length in ranges:
            first = max(0, (offset - start) // size)
            end = min(count, -(-(offset + length - start) // size))
            if length > 0 and first < end:
                found[first:end] = b"\1" * (end - first)
        return found
