"""Holding an operation: one holder, and nobody else's write."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from storage_site.operations import claims
from storage_site.operations.claims import claim
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TASK = "volumes.tasks.delete_volume"


def take(operation: Operation, **rest: str):
    return claim(str(operation.id), task=TASK, **rest)


def lapse(operation: Operation) -> None:
    """Let the lease on `operation` run out."""
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_of_two_who_claim_at_once_one_wins(accept):
    for _round in range(5):
        operation = accept()
        winners = [held for held in at_once(*[partial(take, operation)] * 4) if held is not None]
        assert len(winners) == 1
        assert winners[0].fence.claim == 1


def test_a_held_operation_cannot_be_claimed_until_its_lease_has_run_out(accept):
    operation = accept()
    first = take(operation)
    assert take(operation) is None
    lapse(operation)
    second = take(operation)
    assert second.fence > first.fence


def test_a_worker_that_was_taken_over_can_write_nothing_more(accept):
    operation = accept()
    stale = take(operation)
    lapse(operation)
    fresh = take(operation)
    for write in (
        stale.renew,
        lambda: stale.note(percent=50),
        lambda: stale.exclude("mem1", "no"),
        lambda: stale.step("again", pytest.fail),
        stale.finish,
        lambda: stale.fail("x", "y"),
        lambda: stale.postpone(1, "x", "y"),
        stale.hand_back,
    ):
        with pytest.raises(LeaseLost):
            write()
    assert Volume.objects.filter(pk=operation.resource_id, status="deleting").exists()
    fresh.finish()
    assert not Volume.objects.filter(pk=operation.resource_id).exists()


def test_a_worker_whose_lease_ran_out_unnoticed_may_go_on(accept):
    operation = accept()
    held = take(operation)
    lapse(operation)
    held.renew()
    assert take(operation) is None
    held.finish()


def test_nothing_is_claimed_before_its_time(accept):
    operation = accept(not_before=timezone.now() + timedelta(hours=1))
    assert take(operation) is None


def test_a_bell_for_a_task_or_queue_that_the_operation_has_left_takes_nothing(accept):
    operation = accept()
    assert claim(str(operation.id), task="scheduling.tasks.place_volume") is None
    assert take(operation, queue="volume-mem2") is None
    assert take(operation, queue="volume-mem1") is not None


def test_a_finished_operation_is_not_claimed_again(accept):
    operation = accept()
    take(operation).finish()
    assert take(operation) is None


def test_a_claim_that_died_counts_as_an_attempt_and_one_handed_back_does_not(accept):
    operation = accept()
    take(operation).hand_back()
    take(operation)
    lapse(operation)
    assert take(operation).operation.attempts == 1


def test_handing_over_changes_task_queue_and_resource_at_once(accept):
    operation = accept()
    take(operation).hand_over(task="volumes.tasks.create_volume", queue="volume-mem2", fields={"backend": "mem2"})
    operation.refresh_from_db()
    assert (operation.queue, operation.owner) == ("volume-mem2", "")
    assert Volume.objects.get(pk=operation.resource_id).backend == "mem2"


def test_an_operation_that_was_cancelled_is_lost_to_its_worker(accept, member):
    operation = accept()
    held = take(operation)
    Operation.objects.filter(pk=operation.pk).update(
        outcome="cancelled", owner="", lease_until=None, finished_at=timezone.now()
    )
    with pytest.raises(LeaseLost):
        held.finish()


def test_the_check_asks_the_database_once_the_last_answer_is_old(accept, monkeypatch):
    operation = accept()
    held = take(operation)
    lapse(operation)
    take(operation)
    held.check()
    later = claims.time.monotonic() + 3600
    monkeypatch.setattr(claims.time, "monotonic", lambda: later)
    with pytest.raises(LeaseLost):
        held.check()


def test_the_reason_of_an_earlier_delay_does_not_outlive_success_or_the_queue(accept):
    operation = accept()
    take(operation).postpone(0, "backend-down", "no answer")
    take(operation).hand_over(task=TASK, queue="volume-mem2")
    operation.refresh_from_db()
    assert (operation.fault_code, operation.fault_detail) == ("", "")
    take(operation).postpone(0, "backend-down", "no answer")
    take(operation).finish()
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code, operation.fault_detail) == ("succeeded", "", "")


def test_an_ending_that_the_database_took_back_leaves_the_operation_held(accept):
    held = take(accept())
    with pytest.raises(ZeroDivisionError):
        held.finish(also=lambda: 1 / 0)
    assert held.is_held
    held.finish()
    assert not held.is_held


def test_a_host_whose_clock_is_ahead_accepts_work_that_can_be_claimed_at_once(accept, monkeypatch):
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    operation = accept()
    assert take(operation) is not None
