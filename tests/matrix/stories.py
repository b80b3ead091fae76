"""A story for every kind of work: what it needs, how it is asked for, and what is true when it has ended.

A story prepares with `stage`, asks inside `stage.asking(verb)`, and afterwards looks at what only it can know; what
holds for all work (statuses, reasons, leftovers, limits) is looked at by `verdict`. `stage.is_well` tells whether the
work has succeeded.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.matrix.stage import Stage


@dataclass(frozen=True, slots=True)
class Story:
    """`tell` is about operations of `verb`; no two stories that are told `alone` are told at once."""

    verb: str
    name: str
    tell: Callable[[Stage], None]
    alone: bool = False

    def __str__(self) -> str:
        return f"{self.verb} ({self.name})"


STORIES: list[Story] = []


def story(verb: str, *, alone: bool = False) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Add a function to the stories of a verb."""

    def add(tell: Callable[[Stage], None]) -> Callable[[Stage], None]:
        STORIES.append(Story(verb, tell.__name__.replace("_", " "), tell, alone=alone))
        return tell

    return add
