"""Lifecycle tables: which verb a status admits, and the status during it, after it and on failure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

# Words of the tables that are no status of their own.
KEEP: Final = "(kept)"  # the status stays as it was
BACK: Final = "(prior)"  # the status before the operation began
GONE: Final = "(gone)"  # the row is removed
GIVEN: Final = "(given)"  # the caller of the verb says which, as `to`
NEW: Final = "(new)"  # there is no row yet
ANY: Final = frozenset({"(any)"})  # every status admits the verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A line of a lifecycle table.

    `task` names the Celery task that does the work; without one the verb is instant and moves straight to
    `after`. `queue` tells from the resource which queue the task is sent to. An exclusive verb never runs
    beside another exclusive one on the same resource. `deadline_s` bounds how long the work may be put off
    (back-end down) before it ends in `on_error`; `on_error_also` names a function of the resource that is
    called in the same transaction then. `is_cancellable` lets those whose resource it is call the work off, which
    ends in `on_error` as well.
    """

    name: str
    admits: frozenset[str]
    during: str = KEEP
    after: str = BACK
    on_error: str = BACK
    on_error_also: str = ""
    task: str = ""
    queue: Callable[[Any], str] | None = None
    exclusive: bool = True
    deadline_s: int = 3600
    is_cancellable: bool = False

    def is_admitted_in(self, status: str) -> bool:
        """Tell whether a resource in `status` may begin this verb."""
        return self.admits is ANY or status in self.admits

    @property
    def is_instant(self) -> bool:
        """Tell whether nothing but the record changes."""
        return not self.task


class Lifecycle:
    """The table of one kind of resource."""

    def __init__(self, *verbs: Verb) -> None:
        self._verbs = {verb.name: verb for verb in verbs}

    def __getitem__(self, name: str) -> Verb:
        return self._verbs[name]

    def __iter__(self) -> Iterator[Verb]:
        return iter(self._verbs.values())


def verb(name: str, admits: Iterable[str], **rest: Any) -> Verb:
    """Return a line of a table; `admits` may be any collection of statuses."""
    return Verb(name=name, admits=ANY if admits is ANY else frozenset(admits), **rest)
