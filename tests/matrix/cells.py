"""The matrix, of stories, the places found in them and faults; and how a cell is played in this process."""

import tomllib
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage_site.operations.models import Operation
from tests.matrix import (
    stories_attachments,
    stories_backups,
    stories_groups,
    stories_managing,
    stories_moving,
    stories_volumes,
    stories_watching,
    verdict,
)
from tests.matrix.bells import LocalWorkers
from tests.matrix.faults import INTERRUPTIONS, Fault, Injection, Refused
from tests.matrix.places import Place, Scout, known, left_out
from tests.matrix.stage import Stage
from tests.matrix.stories import STORIES, Story

TOLD_IN = (
    stories_attachments,
    stories_backups,
    stories_groups,
    stories_managing,
    stories_moving,
    stories_volumes,
    stories_watching,
)
COUNTS = Path(__file__).with_name("places.toml")


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one place of one story; where a step is `refused`, in the work of taking back."""

    story: Story
    place: Place
    fault: Fault
    refused: Place | None = None

    @property
    def must_succeed(self) -> bool:
        """Tell whether the work has to succeed nevertheless."""
        return self.refused is None and self.fault.is_survived_at(self.place)

    def __str__(self) -> str:
        refused = f" (refused {self.refused.boundary})" if self.refused else ""
        return f"{self.place}{refused} [{self.story.name}] + {self.fault.name}"


@dataclass
class Played:
    """What came of a cell. `took_over_s` is how long nobody held the work, where somebody had to take it over."""

    cell: Cell
    problems: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    took_over_s: float | None = None

    def __str__(self) -> str:
        return "\n    ".join([str(self.cell), *self.problems])


class Incomplete(Exception):
    """The matrix is not what it has to be; the text says what is missing."""


def stories(every: Iterable[Story] = STORIES) -> list[Story]:
    """Return all stories. :raises Incomplete: if a verb has neither one nor a reason, or both."""
    found = list(every)
    told, reasons = {story.verb for story in found}, left_out()
    missing = sorted(known().keys() - told - reasons.keys())
    if missing:
        raise Incomplete(f"No story is told of {', '.join(missing)}, and left_out.toml gives no reason.")
    needless = sorted((reasons.keys() & told) | (reasons.keys() - known().keys()))
    if needless:
        raise Incomplete(f"left_out.toml names {', '.join(needless)} for nothing.")
    if unknown := sorted(told - known().keys()):
        raise Incomplete(f"Stories are told of {', '.join(unknown)}, which no lifecycle table knows.")
    return found


def scouted(story: Story, stage: Stage, counts: Path = COUNTS) -> list[Place]:
    """Tell the story without any fault and return the places it came to.

    :raises Incomplete: if they are fewer than were written down, or something was wrong without any fault.
    """
    stage.watcher = scout = Scout(story.verb)
    with scout:
        story.tell(stage)
    problems = [*verdict.after_the_story(stage)]
    if not stage.is_well:
        problems.append(f"it failed: {[one.fault_detail for one in stage.begun]}")
    verdict.clear(stage)
    problems += verdict.after_clearing(stage)
    if problems:
        raise Incomplete(f"{story} does not go well by itself: {'; '.join(problems)}")
    wanted = tomllib.loads(counts.read_text())["places"].get(str(story), 1)
    if len(scout.found) < wanted:
        raise Incomplete(f"{story} came to {len(scout.found)} places, and places.toml has {wanted}.")
    return list(scout.found)


def cells_of(story: Story, places: Iterable[Place], faults: Iterable[Fault]) -> Iterator[Cell]:
    """Yield the cells of a story."""
    for place in places:
        yield from (Cell(story, place, fault) for fault in faults if fault.can_be_at(place))


def taking_back(story: Story, found: Iterable[Place], workers: LocalWorkers, target: str) -> Iterator[Cell]:
    """Yield the cells in which work is interrupted that takes back what was done, or gives up.

    Of each task the last step on the storage is refused. Where that is what a story is not made for, it says so itself.
    """
    last = {place.task: place for place in found if place.boundary.startswith("after ") and place.is_of_storage}
    for refused in last.values():
        workers.show_up()
        stage = Stage(workers, workers.backend_keys, target)
        stage.watcher = scout = Refused(refused)
        with scout:
            story.tell(stage)
        verdict.clear(stage)
        for place in scout.found:
            yield from (Cell(story, place, fault, refused) for fault in INTERRUPTIONS)


def play_here(cell: Cell, workers: LocalWorkers, target: str) -> Played:
    """Play a cell in this process."""
    stage = Stage(workers, workers.backend_keys, target)
    played = Played(cell)
    injection = stage.watcher = Injection(cell.fault, cell.place, workers, refused=cell.refused)
    workers.show_up()
    try:
        with injection:
            cell.story.tell(stage)
        judge(played, stage)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs into the matrix
        played.problems.append(_where(error))
    if not injection.hits:
        played.problems.append("the place was not reached")
    if played.problems:
        Operation.objects.filter(outcome="").delete()  # the next cell is not to do what this one left
    return played


def judge(played: Played, stage: Stage) -> None:
    """Add to `played` what is wrong now, and what is when everything has been removed."""
    played.outcomes = [one.outcome for one in stage.begun]
    played.problems += verdict.after_the_story(stage)
    if played.cell.must_succeed and not stage.is_well:
        told = [f"{one.verb}: {one.fault_code}: {one.fault_detail}" for one in stage.begun]
        played.problems.append(f"lost: {'; '.join(told)}")
    verdict.clear(stage)
    played.problems += verdict.after_clearing(stage)


def _where(error: Exception) -> str:
    """Return what was raised, and where in a story or in the service that was."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    told = next((f for f in reversed(traceback.extract_tb(error.__traceback__)) if "stories_" in f.filename), last)
    return f"{type(error).__name__}: {error} ({Path(told.filename).name}:{told.lineno} {told.line})"
