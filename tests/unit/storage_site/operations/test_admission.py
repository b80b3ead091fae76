"""Beginning a verb: all of it in one transaction, or nothing."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from storage_site.errors import StateConflict
from storage_site.operations.admission import begin, cancel_unfinished, move, poke
from storage_site.operations.models import Operation, Transition
from storage_site.operations.sweep import waiting
from tests.factories import VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_beginning_writes_status_operation_and_history_together(member):
    volume = VolumeFactory()
    with transaction.atomic():
        operation = begin(volume, "delete", caller=member, arguments={"why": "test"})
    volume.refresh_from_db()
    assert volume.status == "deleting"
    assert (operation.queue, operation.task) == ("volume-mem1", "volumes.tasks.delete_volume")
    assert (operation.prior_status, operation.actor_id) == ("available", member.user_id)
    edge = Transition.objects.get(resource_id=volume.pk)
    assert (edge.from_status, edge.to_status, edge.operation) == ("available", "deleting", operation)


def test_a_new_resource_is_inserted_with_its_operation(member):
    volume = VolumeFactory.build(volume_type=None)
    with transaction.atomic():
        begin(volume, "create", caller=member)
    assert Volume.objects.get(pk=volume.pk).status == "creating"
    assert Transition.objects.get(resource_id=volume.pk).from_status == "(new)"


def test_a_status_that_does_not_admit_the_verb_refuses_and_changes_nothing(member):
    volume = VolumeFactory(status="in-use")
    with pytest.raises(StateConflict), transaction.atomic():
        begin(volume, "delete", caller=member)
    assert Volume.objects.get(pk=volume.pk).status == "in-use"
    assert not Operation.objects.exists()
    assert not Transition.objects.exists()


def test_the_guard_looks_at_the_row_not_at_what_was_read_before(member):
    volume = VolumeFactory()
    Volume.objects.filter(pk=volume.pk).update(status="in-use")
    with pytest.raises(StateConflict), transaction.atomic():
        begin(volume, "delete", caller=member)
    assert Volume.objects.get(pk=volume.pk).status == "in-use"


def test_a_status_that_has_come_to_admit_the_verb_meanwhile_admits_it(member):
    volume = VolumeFactory(status="in-use")
    Volume.objects.filter(pk=volume.pk).update(status="available")
    with transaction.atomic():
        begin(volume, "delete", caller=member)
    assert Volume.objects.get(pk=volume.pk).status == "deleting"


def test_of_two_who_begin_at_once_one_wins(member):
    volume = VolumeFactory()

    def delete() -> object:
        with transaction.atomic():
            return begin(Volume.objects.get(pk=volume.pk), "delete", caller=member)

    results = at_once(delete, delete)
    assert sorted(type(result).__name__ for result in results) == ["Operation", "StateConflict"]
    assert Operation.objects.count() == 1


def test_an_unfinished_exclusive_operation_keeps_out_another_even_if_the_status_admits_it(member):
    volume = VolumeFactory()
    with transaction.atomic():
        begin(volume, "delete", caller=member)
    with pytest.raises(StateConflict), transaction.atomic():
        begin(volume, "force_delete", caller=member)
    assert Operation.objects.count() == 1


def test_an_instant_verb_leaves_history_but_no_operation(member):
    volume = VolumeFactory()
    with transaction.atomic():
        move(volume, "reserve", caller=member)
    assert Volume.objects.get(pk=volume.pk).status == "reserved"
    assert Transition.objects.get(resource_id=volume.pk).verb == "reserve"
    assert not Operation.objects.exists()


def test_a_verb_outside_a_transaction_is_a_defect(member):
    with pytest.raises(RuntimeError):
        begin(VolumeFactory(), "delete", caller=member)


def test_cancelling_ends_what_is_unfinished_and_says_why(member):
    volume = VolumeFactory()
    with transaction.atomic():
        operation = begin(volume, "delete", caller=member)
        assert cancel_unfinished(volume, "by hand") == 1
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_detail) == ("cancelled", "by hand")


def test_work_that_was_put_off_is_due_at_once_when_somebody_joins_it(accept):
    operation = accept(not_before=timezone.now() + timedelta(hours=1))
    assert poke(operation) is True
    assert waiting().get() == operation


def test_work_that_is_being_done_or_has_ended_is_not_poked(accept):
    later = timezone.now() + timedelta(hours=1)
    operation = accept(not_before=later, owner="node1/1", lease_until=later)
    assert poke(operation) is False
    assert Operation.objects.get(pk=operation.pk).not_before == later
    Operation.objects.filter(pk=operation.pk).update(
        owner="", lease_until=None, outcome="failed", finished_at=timezone.now()
    )
    assert poke(operation) is False


def test_work_that_is_due_already_stays_where_it_is_in_the_row(accept):
    operation = accept(not_before=timezone.now() - timedelta(minutes=1))
    assert poke(operation) is True
    assert Operation.objects.get(pk=operation.pk).not_before == operation.not_before
