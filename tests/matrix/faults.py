"""What can happen at a place, played in this process: what is raised or done there, and whether work survives it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import OperationalError

from drivers.errors import BackendBusy, BackendFull, PermanentDriverError, TargetFull
from storage_site import queues
from storage_site.operations.boundaries import BEGUN
from storage_site.operations.models import Operation
from tests.matrix.bells import Bell, Died, LocalWorkers, answer, expire
from tests.matrix.places import Listening, Place, Scout


@dataclass(frozen=True, slots=True)
class Fault:
    """A word for the matrix, the places where it can happen, and where it must not keep the work from succeeding."""

    name: str
    can_be_at: Callable[[Place], bool]
    is_survived_at: Callable[[Place], bool] = lambda _place: True


def _anywhere(_place: Place) -> bool:
    return True


def _while_held(place: Place) -> bool:
    return not place.has_left


def _where_something_is_asked(place: Place) -> bool:
    """Storage may have done what it was asked, and then fail; rows are written or not."""
    return place.is_of_storage or place.is_before


def _before_something(place: Place) -> bool:
    return place.is_before


def _on_rows(place: Place) -> bool:
    return not place.is_of_storage


DIED = Fault("died", _anywhere)
OVERTAKEN = Fault("overtaken", _while_held)
TRANSIENT = Fault("transient error", _where_something_is_asked)
PERMANENT = Fault("permanent error", _where_something_is_asked, lambda _place: False)
FULL = Fault("disk full", _before_something, _on_rows)
LOST = Fault("message lost", lambda place: place.boundary == BEGUN)
TWICE = Fault("message twice", _anywhere)
INTERRUPTIONS = (DIED, OVERTAKEN)
HERE = (DIED, OVERTAKEN, TRANSIENT, PERMANENT, FULL, LOST, TWICE)


NEVER = "The storage will never do this, the matrix says."


class Refused(Scout):
    """Writes down the places of taking back, and of giving up, when a step is refused for good."""

    def __init__(self, refused: Place) -> None:
        super().__init__(refused.verb)
        self._refused = refused

    def come_to(self, place: Place, operation: Operation) -> None:
        """Write it down; refuse the step."""
        if place.what.startswith("undo ") or place.boundary in {"before fail", "before decline"}:
            super().come_to(place, operation)
        if place == self._refused:
            raise PermanentDriverError(NEVER)


class Injection(Listening):
    """Lets a fault happen at a place, and counts how often it did."""

    def __init__(self, fault: Fault, place: Place, workers: LocalWorkers, *, refused: Place | None = None) -> None:
        super().__init__()
        self._fault, self._place, self._workers, self._refused = fault, place, workers, refused
        self.hits = 0
        if fault is LOST:
            workers.drop = self._lose

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._workers.drop = lambda _bell: False

    def _lose(self, bell: Bell) -> bool:
        operation = Operation.objects.get(id=bell.operation_id)
        is_it = operation.task == self._place.task and self._is_mine(operation) and not self.hits
        self.hits += is_it
        return is_it

    def come_to(self, place: Place, operation: Operation) -> None:
        """Let it happen if this is the place; errors that last happen to each claim that comes there."""
        if place == self._refused:
            raise PermanentDriverError(NEVER)
        if place != self._place or self._fault is LOST or (self.hits and not self._lasts):
            return
        self.hits += 1
        if self._fault is TWICE:
            _ring_twice(operation)
        elif self._fault is OVERTAKEN:
            expire(operation)
            self._workers.finish(lambda: Operation.objects.filter(serial=operation.serial))
        else:
            raise self._error(operation)

    @property
    def _lasts(self) -> bool:
        return not self._fault.is_survived_at(self._place)

    def _error(self, operation: Operation) -> BaseException:
        if self._fault is DIED:
            return Died()
        if self._fault is PERMANENT:
            return PermanentDriverError(NEVER)
        if not self._place.is_of_storage:
            is_full = self._fault is FULL
            return OperationalError("database or disk is full" if is_full else "the database is away for a moment")
        if self._fault is TRANSIENT:
            return BackendBusy("The storage is busy, the matrix says.")
        full = TargetFull if operation.queue == queues.BACKUP else BackendFull
        return full("There is no room, the matrix says.")


def _ring_twice(operation: Operation) -> None:
    """Deliver the bell that brought the work here once more. It must take nothing."""
    rows = Operation.objects.filter(serial=operation.serial)
    before = rows.values_list("fence", "owner", "outcome").first()
    answer(Bell(operation.task, str(operation.id)))
    assert rows.values_list("fence", "owner", "outcome").first() == before, "a bell that came twice took something"
