"""What the cells of a lane came to, as a page for people."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

DEFAULT_LEASE_S, DEFAULT_SWEEP_S, TEST_SWEEP_S = 30, 10, 0.5
LONGEST_TAKE_OVER_S = 45
PLACES_HEADER = """\
# How many places each story comes to; more are welcome, fewer fail. Written by ./celinder faults --write-places.

[places]
"""


@dataclass
class Lane:
    """The cells that were played on one database and one broker, and what was wrong."""

    name: str
    seconds: float
    has_ended: bool
    cells: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    survived: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    problems: list[str] = field(default_factory=list)
    not_played: int = 0
    worst_take_over_s: float | None = None
    worst_cell: str = ""

    @classmethod
    def of(cls, name: str, lines: Iterable[str], *, seconds: float, lease_s: float, has_ended: bool) -> "Lane":
        """Return the lane of these lines of JSON. Take-overs are told as they are with the times of production."""
        lane = cls(name, seconds, has_ended)
        for told in map(json.loads, lines):
            lane._add(told, lease_s)
        if lane.played == 0:
            lane.problems.append("no cell was played")
        worst = lane.worst_take_over_s
        if worst is not None and worst > LONGEST_TAKE_OVER_S:
            lane.problems.append(f"a take-over lasts {worst:.1f} s: {lane.worst_cell}")
        return lane

    def _add(self, told: dict, lease_s: float) -> None:
        self.not_played += "left_out" in told
        self.problems += [f"left by all: {one}" for one in told.get("left", [])]
        if "cell" not in told:
            return
        self.cells[told["verb"]][told["fault"]] += 1
        self.survived[told["verb"]][told["fault"]] += not told["problems"]
        if told["problems"]:
            self.problems.append(f"{told['cell']}: {'; '.join(told['problems'])}")
        if told["took_over_s"] is not None:
            scaled = max(0.0, told["took_over_s"] - lease_s - TEST_SWEEP_S) + DEFAULT_LEASE_S + DEFAULT_SWEEP_S
            if scaled > (self.worst_take_over_s or 0):
                self.worst_take_over_s, self.worst_cell = scaled, told["cell"]

    @property
    def played(self) -> int:
        """Return how many cells were played."""
        return sum(counts.total() for counts in self.cells.values())

    @property
    def is_good(self) -> bool:
        """Tell whether every cell that was played survived; one that was not played is no survivor."""
        return self.has_ended and not self.problems and not self.not_played


def page(lanes: Sequence[Lane]) -> str:
    """Return the matrix, and what was wrong."""
    return "\n\n".join(map(_of_lane, lanes))


def _of_lane(lane: Lane) -> str:
    faults = list(dict.fromkeys(fault for counts in lane.cells.values() for fault in counts))
    rows = [["", *faults]]
    rows += [[verb, *(_told(lane, verb, fault) for fault in faults)] for verb in sorted(lane.cells)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(faults) + 1)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    survived = sum(counts.total() for counts in lane.survived.values())
    worst = "" if lane.worst_take_over_s is None else f", worst take-over {lane.worst_take_over_s:.1f} s"
    left = f", {lane.not_played} not played: the time was over" if lane.not_played else ""
    ended = "" if lane.has_ended else ", and it did not end as it should"
    total = f"{lane.name}: {lane.played} cells, {survived} survived{left}{worst}, in {lane.seconds:.0f} s{ended}"
    return "\n".join([total, "", *table, *(["", *lane.problems] if lane.problems else [])])


def _told(lane: Lane, verb: str, fault: str) -> str:
    cells, survived = lane.cells[verb][fault], lane.survived[verb][fault]
    if not cells:
        return ""
    return str(cells) if cells == survived else f"{survived} of {cells}"


def counts(scouted: str) -> str:
    """Return what is to be written down of the places that were found."""
    found = {told["story"]: len(told["places"]) for told in map(json.loads, scouted.splitlines())}
    return PLACES_HEADER + "".join(f'"{story}" = {found[story]}\n' for story in sorted(found))
