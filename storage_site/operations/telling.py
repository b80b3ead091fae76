"""What those whose resource it is are told of an operation: no worker, no back-end, no host, nobody else."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils import timezone

from storage_site.operations.models import Operation
from storage_site.operations.standing import LOST, OVERDUE, POSTPONED, RUNNING, WAITING, Standing, word_of
from storage_site.pages.words import duration

UNEXPLAINED = "The service could not do it; an administrator can see why."
_EXPLANATIONS = {
    "backend-busy": "The storage is busy.",
    "backend-down": "The storage does not answer.",
    "backend-full": "The storage has no room left for it.",
    "not-supported": "The storage cannot do this.",
    "volume-missing": "The volume is not on its storage.",
    "snapshot-missing": "The snapshot is not on its storage.",
    "object-missing": "Something that it needs is missing where backups are kept.",
    "target-full": "There is no room left where backups are kept.",
    "no-valid-backend": "No storage was found that could take it.",
    "source-gone": "What it was to be made from was removed before.",
    "resource-gone": "The resource was removed before.",
    "deadline": "It was not done in time.",
    "cancelled": "It was cancelled.",
}


def explain(explanations: Mapping[str, str]) -> None:
    """Add an app's fault codes, each with a sentence that anybody may read.

    :raises ValueError: if a code has another sentence already.
    """
    for code, sentence in explanations.items():
        if _EXPLANATIONS.setdefault(code, sentence) != sentence:
            message = f"the fault {code!r} is explained already"
            raise ValueError(message)


def explanation_of(operation: Operation) -> str:
    """Return why it was not done, or not yet; "" where there is no fault."""
    return _EXPLANATIONS.get(operation.fault_code, UNEXPLAINED) if operation.fault_code else ""


def told_of(operation: Operation, now: datetime | None = None) -> Standing:
    """Return how the operation stands, in the words for those whose resource it is."""
    now = now or timezone.now()
    word = word_of(operation, now)
    sentence = _SENTENCES[word](operation, now) if word in _SENTENCES else explanation_of(operation)
    return Standing(word, sentence.strip())


def _waiting(operation: Operation, now: datetime) -> str:
    return f"It has been waiting to be taken up for {duration(now - operation.not_before)}."


def _postponed(operation: Operation, now: datetime) -> str:
    if operation.not_before <= now:
        return f"{explanation_of(operation)} It is about to be tried again."
    return f"{explanation_of(operation)} It is tried again in {duration(operation.not_before - now)}."


def _overdue(operation: Operation, _now: datetime) -> str:
    return f"{explanation_of(operation)} Its time is over: it is about to be ended."


def _running(operation: Operation, _now: datetime) -> str:
    return f"{operation.percent} % done."


def _lost(_operation: Operation, _now: datetime) -> str:
    return "It was interrupted and is about to be taken up again."


def _succeeded(operation: Operation, _now: datetime) -> str:
    return f"Done in {duration((operation.finished_at or operation.created_at) - operation.created_at)}."


_SENTENCES: dict[str, Callable[[Operation, datetime], str]] = {
    WAITING: _waiting,
    POSTPONED: _postponed,
    OVERDUE: _overdue,
    RUNNING: _running,
    LOST: _lost,
    Operation.SUCCEEDED: _succeeded,
}
