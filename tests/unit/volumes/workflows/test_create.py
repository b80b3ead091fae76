"""Making a volume: on the first back-end that can, with nothing left on those that could not."""

import pytest
from carrying import carry_on, exists_on, placed

from drivers.errors import BackendDown, BackendFull, PermanentDriverError
from volumes.models import Volume
from volumes.workflows import create

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_a_volume_is_made_where_it_was_placed(member, first):
    volume, operation = placed(member)
    assert carry_on(operation, create.run).outcome == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, volume.backend) == ("available", "mem1")
    assert volume.launched_at is not None
    assert exists_on(first, volume)


def test_a_full_back_end_is_excluded_and_the_next_candidate_asked(member, first, second):
    first.refuse("create_volume", BackendFull("0 GiB left"), after_acting=True)
    volume, operation = placed(member)
    carry_on(operation, create.run)
    assert (operation.outcome, operation.queue) == ("", "volume-mem2")
    assert operation.exclusions == {"mem1": "0 GiB left"}
    carry_on(operation, create.run)
    volume.refresh_from_db()
    assert (volume.status, volume.backend) == ("available", "mem2")
    assert not exists_on(first, volume)
    assert exists_on(second, volume)


def test_when_no_candidate_is_left_the_reason_names_every_back_end(member, first, second):
    first.refuse("create_volume", BackendFull("0 GiB left"))
    second.refuse("create_volume", PermanentDriverError("out of order"))
    volume, operation = placed(member)
    carry_on(operation, create.run)
    carry_on(operation, create.run)
    assert (operation.outcome, operation.fault_code) == ("failed", "no-valid-backend")
    for part in ("mem1: 0 GiB left", "mem2: out of order", "celinder@tiny#tiny: 1 GiB free, 5 asked"):
        assert part in operation.fault_detail
    volume.refresh_from_db()
    assert volume.status == "error"
    assert not exists_on(first, volume)
    assert not exists_on(second, volume)


def test_a_back_end_that_does_not_answer_is_tried_a_few_times_then_the_next_one(member, first, second):
    first.refuse("create_volume", BackendDown("no answer"))
    volume, operation = placed(member)
    for _try in range(create.TRIES_PER_BACKEND):
        assert operation.queue == "volume-mem1"
        carry_on(operation, create.run)
    assert operation.queue == "volume-mem2"
    carry_on(operation, create.run)
    volume.refresh_from_db()
    assert (volume.status, volume.backend) == ("available", "mem2")


def test_a_back_end_that_cannot_even_be_cleared_keeps_the_volume_waiting(member, first):
    first.refuse("create_volume", BackendDown("no answer"), after_acting=True)
    first.refuse("delete_volume", BackendDown("no answer"))
    volume, operation = placed(member)
    for _try in range(create.TRIES_PER_BACKEND + 2):
        carry_on(operation, create.run)
    assert (operation.outcome, operation.queue) == ("", "volume-mem1")
    first.heal()
    carry_on(operation, create.run)
    volume.refresh_from_db()
    assert (volume.status, volume.backend) == ("available", "mem1")


def test_a_worker_that_died_after_making_it_is_followed_by_one_that_goes_on(member, first):
    volume, operation = placed(member)
    first.refuse("create_volume", BackendDown("the answer was lost"), times=1, after_acting=True)
    carry_on(operation, create.run)
    assert carry_on(operation, create.run).outcome == "succeeded"
    assert Volume.objects.get(pk=volume.pk).status == "available"
    assert "delete_volume" not in first.calls
