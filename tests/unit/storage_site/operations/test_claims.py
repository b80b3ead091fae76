"""Holding an operation: one holder, and nobody else's write."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from storage_site.operations import claims
from storage_site.operations.claims import claim
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation
from storage_site.operations.perform import MAX_ATTEMPTS
from storage_site.operations.progress import Progress
from tests.factories import VolumeFactory
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


def test_progress_is_kept_in_numbers_and_is_whole_only_at_the_end(accept):
    operation = accept()
    held = take(operation)
    held.note(progress=Progress(done_bytes=999, total_bytes=1000, bytes_per_s=50, seconds_left=1))
    operation.refresh_from_db()
    assert (operation.percent, operation.bytes_done, operation.bytes_total) == (99, 999, 1000)
    assert (operation.bytes_per_s, operation.seconds_left) == (50, 1)
    held.finish()
    operation.refresh_from_db()
    assert (operation.percent, operation.bytes_done, operation.bytes_total) == (100, 1000, 1000)
    assert (operation.bytes_per_s, operation.seconds_left) == (0, None)


@pytest.mark.parametrize(("done", "total", "percent"), [(0, 0, 0), (1, 0, 0), (5, 999, 0), (9, 9, 99), (7, 5, 99)])
def test_no_progress_is_whole_before_the_end(done, total, percent):
    assert Progress(done, total).percent == percent


def test_a_time_left_that_nobody_can_know_is_none(accept):
    operation = accept()
    take(operation).note(progress=Progress(1, 10**15, bytes_per_s=1, seconds_left=10**15))
    operation.refresh_from_db()
    assert operation.seconds_left is None


def test_work_that_advances_may_die_more_often_than_work_that_does_not(accept):
    operation = accept(deadline_at=timezone.now() + timedelta(seconds=5))
    for position in range(MAX_ATTEMPTS + 2):
        held = take(operation)
        assert held.operation.attempts == (1 if position else 0)
        held.note(checkpoint={"position": position})
        assert held.operation.attempts == 0
        lapse(operation)
    held = take(operation)
    assert held.operation.checkpoint == {"position": MAX_ATTEMPTS + 1}
    assert held.operation.deadline_at > timezone.now() + timedelta(seconds=60)


def test_work_that_notes_the_same_checkpoint_again_does_not_advance(accept):
    operation = accept()
    take(operation).note(checkpoint={"position": 1})
    Operation.objects.filter(pk=operation.pk).update(checkpoint={"position": 1, "waits": 3})
    lapse(operation)
    held = take(operation)
    held.note(checkpoint={"position": 1})
    held.note()
    operation.refresh_from_db()
    assert (operation.attempts, operation.checkpoint) == (1, {"position": 1, "waits": 3})


def test_what_is_written_beside_a_note_stands_or_falls_with_the_claim(accept):
    operation = accept()
    stale = take(operation)
    lapse(operation)
    fresh = take(operation)
    with pytest.raises(LeaseLost):
        stale.note(percent=1, also=VolumeFactory)
    assert Volume.objects.count() == 1
    with pytest.raises(ZeroDivisionError):
        fresh.note(percent=7, checkpoint={"position": 1}, also=lambda: 1 / 0)
    operation.refresh_from_db()
    assert (operation.percent, operation.checkpoint, fresh.operation.checkpoint) == (0, {}, {})
    fresh.note(percent=7, also=VolumeFactory)
    operation.refresh_from_db()
    assert (operation.percent, Volume.objects.count()) == (7, 2)


def test_what_is_written_beside_a_hand_over_stands_or_falls_with_the_claim(accept):
    operation = accept()
    stale = take(operation)
    lapse(operation)
    fresh = take(operation)
    with pytest.raises(LeaseLost):
        stale.hand_over(task=TASK, queue="volume-mem2", also=VolumeFactory)
    with pytest.raises(ZeroDivisionError):
        fresh.hand_over(task=TASK, queue="volume-mem2", also=lambda: 1 / 0)
    assert fresh.is_held
    fresh.hand_over(task=TASK, queue="volume-mem2", also=VolumeFactory)
    operation.refresh_from_db()
    assert (operation.queue, Volume.objects.count()) == ("volume-mem2", 2)


@pytest.mark.parametrize(("anew", "carried"), [(True, (0, {})), (False, (1, {"position": 1}))])
def test_attempts_and_checkpoint_begin_anew_after_a_hand_over_or_are_carried_along(accept, anew, carried):
    operation = accept(checkpoint={"position": 1})
    take(operation)
    lapse(operation)
    take(operation).hand_over(task=TASK, queue="volume-mem2", anew=anew, decision={"claim": 2})
    operation.refresh_from_db()
    assert ((operation.attempts, operation.checkpoint), operation.decision) == (carried, {"claim": 2})
