"""Carrying out an operation: what each way of ending makes of the row, the resource and the storage."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from drivers.errors import BackendDown, BackendFull, StaleFence
from storage_site.operations import shutdown
from storage_site.operations.models import Operation
from storage_site.operations.perform import MAX_ATTEMPTS, carry_out
from volumes.models import Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TASK = "volumes.tasks.delete_volume"
run = partial(carry_out, task=TASK)


def in_two_steps(storage):
    """Return a workflow of two steps, each with its undo."""

    def workflow(op, _volume):
        op.step("one", storage.call("one"), undo=storage.call("undo one"))
        op.step("two", storage.call("two"), undo=storage.call("undo two"))
        op.finish()

    return workflow


def test_a_workflow_that_ends_well_gives_the_status_of_the_table(accept, storage):
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert (operation.outcome, operation.owner, operation.percent) == ("succeeded", "", 100)
    assert storage.calls == ["one", "two"]
    assert not Volume.objects.filter(pk=operation.resource_id).exists()


def test_what_was_to_go_and_has_gone_already_is_well_done(accept, storage):
    operation = accept()
    Volume.objects.filter(pk=operation.resource_id).delete()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code, storage.calls) == ("succeeded", "", [])


def test_what_was_to_change_and_has_gone_is_told(accept, storage):
    operation = accept()
    Operation.objects.filter(pk=operation.pk).update(verb="extend")
    Volume.objects.filter(pk=operation.resource_id).delete()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code, storage.calls) == ("failed", "resource-gone", [])


def test_a_second_bell_does_nothing(accept, storage):
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    run(str(operation.id), in_two_steps(storage))
    assert storage.calls == ["one", "two"]


def test_a_permanent_error_takes_back_what_was_done_and_keeps_the_reason(accept, storage):
    storage.failures["two"] = BackendFull("no room for 1 GiB")
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert storage.calls == ["one", "two", "undo two", "undo one"]
    assert (operation.outcome, operation.fault_detail) == ("failed", "no room for 1 GiB")
    assert Volume.objects.get(pk=operation.resource_id).status == "error_deleting"


def test_a_transient_error_takes_nothing_back_and_waits(accept, storage):
    storage.failures["two"] = BackendDown("no answer")
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert storage.calls == ["one", "two"]
    assert (operation.outcome, operation.attempts, operation.fault_detail) == ("", 0, "no answer")
    assert operation.not_before > timezone.now()
    assert Volume.objects.get(pk=operation.resource_id).status == "deleting"


def test_a_back_end_that_is_down_for_a_minute_delays_and_does_not_fail(accept, storage):
    storage.failures["one"] = BackendDown("no answer")
    operation = accept()
    delays = []
    for _try in range(8):
        Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        run(str(operation.id), in_two_steps(storage))
        operation.refresh_from_db()
        delays.append((operation.not_before - timezone.now()).total_seconds())
    assert sum(delays) > 60
    assert max(delays) <= 31
    storage.failures.clear()
    Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert operation.outcome == "succeeded"


def test_a_delay_never_grows_beyond_what_a_number_can_hold(accept, storage):
    storage.failures["one"] = BackendDown("no answer")
    operation = accept(checkpoint={"waits": 5000})
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert (operation.fault_code, operation.checkpoint) == ("backend-down", {"waits": 5001})


@pytest.mark.parametrize("error", [BackendFull, BackendDown])
def test_a_reason_that_no_database_can_hold_is_kept_as_far_as_it_can_be(accept, storage, error):
    storage.failures["one"] = error("bytes of a program: \0 \udcff end")
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert operation.owner == ""
    assert operation.fault_detail == "bytes of a program:  ? end"


def test_waiting_ends_at_the_deadline_with_the_reason(accept, storage):
    storage.failures["two"] = BackendDown("no answer")
    operation = accept(deadline_at=timezone.now() - timedelta(seconds=1))
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_detail) == ("failed", "no answer")
    assert "undo one" not in storage.calls
    assert Volume.objects.get(pk=operation.resource_id).status == "error_deleting"


def test_a_lost_lease_takes_nothing_back_and_writes_nothing(accept, storage):
    operation = accept()

    def workflow(op, _volume):
        op.step("one", storage.call("one"), undo=storage.call("undo one"))
        Operation.objects.filter(pk=operation.pk).update(fence=9, owner="another")
        op.step("two", storage.call("two"), undo=storage.call("undo two"))

    run(str(operation.id), workflow)
    operation.refresh_from_db()
    assert storage.calls == ["one"]
    assert (operation.outcome, operation.owner, operation.step) == ("", "another", "one")


def test_a_storage_that_knows_a_later_fence_ends_the_claim_like_a_lost_lease(accept, storage):
    storage.failures["two"] = StaleFence("later claim seen")
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert storage.calls == ["one", "two"]
    assert operation.outcome == ""


def test_a_process_that_is_to_end_hands_back_at_the_next_step_and_takes_nothing_back(accept, storage):
    operation = accept()

    def workflow(op, _volume):
        op.step("one", storage.call("one"), undo=storage.call("undo one"))
        shutdown.request()
        op.step("two", storage.call("two"), undo=storage.call("undo two"))

    run(str(operation.id), workflow)
    operation.refresh_from_db()
    assert storage.calls == ["one"]
    assert (operation.outcome, operation.owner, operation.attempts) == ("", "", 0)
    assert operation.not_before <= timezone.now()


def test_an_undo_that_meets_a_transient_error_is_tried_again_with_the_whole(accept, storage):
    storage.failures = {"two": BackendFull("full"), "undo one": BackendDown("no answer")}
    operation = accept()
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert operation.outcome == ""
    del storage.failures["undo one"]
    storage.calls.clear()
    Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert storage.calls == ["one", "two", "undo two", "undo one"]
    assert operation.outcome == "failed"


def test_a_defect_is_tried_again_a_few_times_then_ends_in_error(accept, storage):
    storage.failures["one"] = ValueError("secret text")
    operation = accept()
    for _attempt in range(MAX_ATTEMPTS):
        Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert operation.outcome == "failed"
    assert "secret text" not in operation.fault_detail


def test_what_fails_while_the_ending_is_written_is_a_defect_and_said_so(accept, storage):
    operation = accept()

    def workflow(op, _volume):
        op.step("one", storage.call("one"), undo=storage.call("undo one"))
        op.finish(also=lambda: 1 / 0)

    run(str(operation.id), workflow)
    operation.refresh_from_db()
    assert (operation.owner, operation.fault_code, operation.attempts) == ("", "defect", 1)


def test_a_value_that_the_database_refuses_is_a_defect_not_an_absent_database(accept):
    operation = accept()

    def workflow(op, volume):
        Volume.objects.filter(pk=volume.pk).update(status="")

    run(str(operation.id), workflow)
    operation.refresh_from_db()
    assert (operation.owner, operation.fault_code, operation.attempts) == ("", "defect", 1)


def test_an_operation_whose_workers_keep_dying_ends_in_error(accept, storage):
    operation = accept(attempts=MAX_ATTEMPTS)
    run(str(operation.id), in_two_steps(storage))
    operation.refresh_from_db()
    assert storage.calls == []
    assert operation.fault_code == "too-many-attempts"


def test_a_workflow_that_says_nothing_is_a_defect_not_a_success(accept):
    operation = accept()
    run(str(operation.id), lambda _op, _volume: None)
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code) == ("failed", "defect")


def test_a_status_set_by_hand_makes_the_running_work_void(accept, member):
    from volumes.services.volumes import reset_status

    operation = accept()

    def workflow(op, volume):
        reset_status(volume=Volume.objects.get(pk=volume.pk), caller=member, status="available")
        op.finish()

    run(str(operation.id), workflow)
    operation.refresh_from_db()
    assert operation.outcome == "cancelled"
    assert Volume.objects.get(pk=operation.resource_id).status == "available"
