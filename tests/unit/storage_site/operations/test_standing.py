"""How operations stand: the sentence for people and the condition for the database never disagree."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from storage_site.operations import standing
from storage_site.operations.models import Operation
from storage_site.operations.standing import condition, is_troubled, standing_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(minutes=3), NOW + timedelta(minutes=3)
WORDS = (standing.WAITING, standing.POSTPONED, standing.OVERDUE, standing.RUNNING, standing.LOST)
OUTCOMES = ("succeeded", "failed", "cancelled")


def every_operation() -> None:
    leases = ({}, {"owner": "w", "lease_until": BEFORE}, {"owner": "w", "lease_until": AFTER})
    ends = ({}, *({"outcome": word, "finished_at": NOW} for word in OUTCOMES))
    cases = product(leases, ends, (BEFORE, AFTER), (BEFORE, AFTER), ("", "backend-down"), (0, 2))
    Operation.objects.bulk_create(
        Operation(
            resource_type="volumes.volume",
            resource_id=f"{number:032x}",
            verb="delete",
            queue="volume-mem1",
            not_before=due,
            deadline_at=deadline,
            fault_code=fault,
            attempts=attempts,
            **lease,
            **end,
        )
        for number, (lease, end, due, deadline, fault, attempts) in enumerate(cases)
    )


def test_the_database_and_the_sentence_agree_on_every_operation():
    every_operation()
    found = {word: set(Operation.objects.filter(condition(word, NOW))) for word in (*WORDS, *OUTCOMES)}
    for operation in Operation.objects.all():
        assert [word for word, rows in found.items() if operation in rows] == [standing_of(operation, NOW).word]


def test_every_unfinished_operation_has_a_reason():
    every_operation()
    for operation in Operation.objects.filter(outcome=""):
        assert standing_of(operation, NOW).reason.strip().endswith(".")


def test_trouble_is_what_does_not_go_on_by_itself():
    every_operation()
    troubled = set(Operation.objects.filter(is_troubled(NOW)))
    for operation in Operation.objects.all():
        is_running = operation.lease_until == AFTER
        expected = not operation.outcome and (
            operation.attempts
            or operation.lease_until == BEFORE
            or (not is_running and (operation.fault_code or BEFORE in {operation.not_before, operation.deadline_at}))
        )
        assert (operation in troubled) == bool(expected)
