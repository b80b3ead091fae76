"""Which work the lifecycle tables know, and the places where a story of it can be interrupted."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.apps import apps

from storage_site.operations.boundaries import BEGUN, reached
from storage_site.operations.lifecycle import Lifecycle
from storage_site.operations.models import Operation
from tests.matrix.stage import Stage

LEFT_OUT = Path(__file__).with_name("left_out.toml")
# What ends one claim, or is written to the database only; all else is done on the storage.
LEAVING = ("hand over", "finish", "decline", "fail")
ROWS_ONLY = ("also", "checkpoint", *LEAVING)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A boundary in the work of one task: the `nth` time that a claim reaches it."""

    verb: str
    task: str
    boundary: str
    nth: int = 1

    @property
    def what(self) -> str:
        """Return what it is a boundary of."""
        return re.sub("^(before|after) ", "", self.boundary)

    @property
    def is_before(self) -> bool:
        """Tell whether what it is a boundary of has not happened yet."""
        return not self.boundary.startswith("after ")

    @property
    def repeats(self) -> bool:
        """Tell whether only rows of our own are read between the place before this one and here."""
        return self.boundary.startswith("before ")

    @property
    def has_left(self) -> bool:
        """Tell whether the claim is over here."""
        return self.what in LEAVING and not self.is_before

    @property
    def is_of_storage(self) -> bool:
        """Tell whether the storage is asked for something here."""
        return self.boundary == BEGUN or self.what not in ROWS_ONLY

    def __str__(self) -> str:
        again = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.verb} · {self.task.rpartition('.')[2]} · {self.boundary}{again}"


def verb_of(operation: Operation) -> str:
    """Return the operation's verb with the kind of its resource, as `volumes.volume.create`."""
    return f"{operation.resource_type}.{operation.verb}"


def known() -> dict[str, str]:
    """Return every verb of the lifecycle tables that is work, and the task it begins with."""
    tables = ((model._meta.label_lower, getattr(model, "lifecycle", None)) for model in apps.get_models())
    found = ((label, table) for label, table in tables if isinstance(table, Lifecycle))
    return {f"{label}.{verb.name}": verb.task for label, table in found for verb in table if verb.task}


def left_out() -> dict[str, str]:
    """Return the verbs that no story is told of, each with its reason."""
    return dict(tomllib.loads(LEFT_OUT.read_text())["verbs"])


class Counting:
    """Counts within each claim how often it has come to a boundary: what makes a place of it."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int, str]] = Counter()

    def place(self, operation: Operation, boundary: str) -> Place:
        """Return the place that the claim is at now."""
        key = (operation.serial, operation.fence, boundary)
        self._counts[key] += 1
        return Place(verb_of(operation), operation.task, boundary, self._counts[key])


class Listening:
    """Hears of boundaries that operations of a story come to while it is at what it is about."""

    def __init__(self) -> None:
        self._counting = Counting()
        self._is_mine: Callable[[Operation], bool] = lambda _operation: False

    def __enter__(self) -> Self:
        reached.connect(self._hear)
        return self

    def __exit__(self, *_error: object) -> None:
        reached.disconnect(self._hear)

    def watch(self, stage: Stage) -> None:
        """Begin to listen, for the operations of `stage`."""
        self._is_mine = stage.is_mine

    def look_away(self) -> None:
        """Listen no more."""
        self._is_mine = lambda _operation: False

    def _hear(self, operation: Operation, boundary: str, **_rest: Any) -> None:
        if self._is_mine(operation):
            self.come_to(self._counting.place(operation, boundary), operation)

    def come_to(self, place: Place, operation: Operation) -> None:
        """Do whatever it is that this does at `place`."""
        raise NotImplementedError


class Scout(Listening):
    """Writes down the places that work of one verb comes to."""

    def __init__(self, verb: str) -> None:
        super().__init__()
        self._verb = verb
        self.found: dict[Place, None] = {}

    def come_to(self, place: Place, operation: Operation) -> None:
        """Write it down. How many checkpoints there are hangs on the target's speed: the first stands for all."""
        if place.verb == self._verb and not (place.what == "checkpoint" and place.nth > 1):
            self.found[place] = None
