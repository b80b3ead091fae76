"""How an operation stands, in a word and a sentence: for people, and as conditions for lists and counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from storage_site.operations.models import Operation
from storage_site.pages import words
from storage_site.pages.words import duration

WAITING, POSTPONED, OVERDUE, RUNNING, LOST = "waiting", "postponed", "overdue", "running", "lost"
_TONES = {
    WAITING: words.WAIT,
    POSTPONED: words.WAIT,
    OVERDUE: words.BAD,
    RUNNING: words.BUSY,
    LOST: words.BAD,
    Operation.SUCCEEDED: words.OK,
    Operation.FAILED: words.BAD,
    Operation.CANCELLED: words.IDLE,
}
WORDS = tuple(_TONES)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an operation stands at a moment."""

    word: str
    reason: str

    @property
    def tone(self) -> str:
        """Return the tone of its badge."""
        return _TONES[self.word]


def condition(word: str, now: datetime) -> Q:
    """Return what holds for the operations that stand as `word` says."""
    unfinished, free = Q(outcome=""), Q(owner="")
    conditions = {
        WAITING: unfinished & free & Q(deadline_at__gte=now, not_before__lte=now, fault_code=""),
        POSTPONED: unfinished & free & Q(deadline_at__gte=now) & (Q(not_before__gt=now) | ~Q(fault_code="")),
        OVERDUE: unfinished & free & Q(deadline_at__lt=now),
        RUNNING: unfinished & ~free & Q(lease_until__gte=now),
        LOST: unfinished & ~free & Q(lease_until__lt=now),
    }
    return conditions.get(word) or Q(outcome=word)


def is_troubled(now: datetime) -> Q:
    """Return what holds for unfinished operations that an operator should look at."""
    return Q(outcome="") & (
        condition(LOST, now)
        | condition(OVERDUE, now)
        | Q(attempts__gt=0)
        | Q(Q(owner=""), ~Q(fault_code=""))
        | Q(owner="", not_before__lt=now - timedelta(seconds=settings.SERVICE_DOWN_S))
    )


def failed_since(moment: datetime) -> Q:
    """Return what holds for the operations that failed after `moment`."""
    return Q(outcome=Operation.FAILED, finished_at__gte=moment)


def standing_of(operation: Operation, now: datetime | None = None) -> Standing:
    """Return how the operation stands."""
    now = now or timezone.now()
    word = word_of(operation, now)
    sentences = [_SENTENCES[word](operation, now) if word in _SENTENCES else operation.fault_detail]
    if operation.attempts and not operation.is_finished:
        died = "1 attempt" if operation.attempts == 1 else f"{operation.attempts} attempts"
        sentences.append(f"{died} died before: see the workers' logs.")
    return Standing(word, " ".join(sentence for sentence in sentences if sentence))


def word_of(operation: Operation, now: datetime) -> str:
    """Return how the operation stands, in a word."""
    if operation.outcome:
        return operation.outcome
    if operation.lease_until is not None:
        return RUNNING if operation.lease_until >= now else LOST
    if operation.deadline_at < now:
        return OVERDUE
    return POSTPONED if operation.fault_code or operation.not_before > now else WAITING


def pace_of(operation: Operation, now: datetime | None = None) -> tuple[int, int | None]:
    """Return bytes per second and seconds left: 0 and None while nobody is known to be at work."""
    if word_of(operation, now or timezone.now()) != RUNNING:
        return 0, None
    return operation.bytes_per_s, operation.seconds_left


def _worker(operation: Operation) -> str:
    """Return host and process of the owner, without what makes its claim unique."""
    host, _, rest = operation.owner.partition("/")
    process = rest.partition("/")[0]
    return f"{host}, process {process}" if process else host


def _waiting(operation: Operation, now: datetime) -> str:
    due = now - operation.not_before
    if due > timedelta(seconds=settings.SERVICE_DOWN_S):
        return f"No worker of queue {operation.queue} has taken it up for {duration(due)}."
    return f"Due for {duration(due)} in queue {operation.queue}."


def _postponed(operation: Operation, now: datetime) -> str:
    if operation.not_before <= now:
        return f"{operation.fault_detail} {_waiting(operation, now)}"
    return f"{operation.fault_detail} It is tried again in {duration(operation.not_before - now)}."


def _overdue(operation: Operation, now: datetime) -> str:
    return (
        f"Its deadline passed {duration(now - operation.deadline_at)} ago: the sweep ends it. {operation.fault_detail}"
    )


def _running(operation: Operation, _now: datetime) -> str:
    step = f"Step “{operation.step}”, by" if operation.step else "By"
    return f"{step} {_worker(operation)}."


def _lost(operation: Operation, now: datetime) -> str:
    silence = now - operation.lease_until if operation.lease_until else timedelta()
    return (
        f"The lease of {_worker(operation)} ran out {duration(silence)} ago: it died or stands still. "
        "Another worker takes over at the next sweep."
    )


def _succeeded(operation: Operation, _now: datetime) -> str:
    length = (operation.finished_at or operation.created_at) - operation.created_at
    return f"Done in {duration(length)}."


_SENTENCES: dict[str, Callable[[Operation, datetime], str]] = {
    WAITING: _waiting,
    POSTPONED: _postponed,
    OVERDUE: _overdue,
    RUNNING: _running,
    LOST: _lost,
    Operation.SUCCEEDED: _succeeded,
}
