"""Calling work off: the row ends, the resource shows it, and no worker is asked."""

from functools import partial

import pytest
from django.db import transaction

from storage_site.errors import StateConflict
from storage_site.operations.admission import begin
from storage_site.operations.calling_off import call_off, is_cancellable
from storage_site.operations.claims import claim
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation, Transition
from tests.factories import SnapshotFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def reverting(member, cancellable):
    """Have a volume reverted to its snapshot, by a verb that may be called off."""
    cancellable("revert")
    volume = VolumeFactory()
    snapshot = SnapshotFactory(volume=volume, status="restoring")
    with transaction.atomic():
        operation = begin(volume, "revert", caller=member)
    return operation, volume, snapshot


def test_work_that_is_called_off_ends_as_cancelled_and_the_resource_as_after_a_failure(reverting, stranger):
    operation, volume, snapshot = reverting
    assert is_cancellable(operation)
    call_off(operation=operation, caller=stranger)
    for row in (volume, snapshot):
        row.refresh_from_db()
    assert (operation.outcome, operation.fault_code, operation.owner) == ("cancelled", "cancelled", "")
    assert (volume.status, snapshot.status) == ("error", "available")
    edge = Transition.objects.get(operation=operation, to_status="error")
    assert (edge.from_status, edge.actor_id, edge.reason) == ("reverting", stranger.user_id, "Called off.")
    assert not is_cancellable(operation)


def test_the_worker_that_is_on_it_loses_its_claim_and_changes_nothing(reverting, member):
    operation, volume, _snapshot = reverting
    held = claim(str(operation.id), task=operation.task)
    call_off(operation=operation, caller=member)
    for write in (held.note, held.renew, held.finish, partial(held.fail, "x", "y")):
        with pytest.raises(LeaseLost):
            write()
    volume.refresh_from_db()
    assert volume.status == "error"


def test_what_is_called_off_is_not_taken_up_again(reverting, member):
    operation, _volume, _snapshot = reverting
    call_off(operation=operation, caller=member)
    assert claim(str(operation.id), task=operation.task) is None


def test_of_an_ending_and_a_calling_off_at_once_one_counts(member, cancellable):
    cancellable("revert")
    for _round in range(5):
        volume = VolumeFactory()
        with transaction.atomic():
            operation = begin(volume, "revert", caller=member)
        held = claim(str(operation.id), task=operation.task)
        results = at_once(held.finish, partial(call_off, operation=operation, caller=member))
        operation.refresh_from_db()
        volume.refresh_from_db()
        refused = [type(result) for result in results if result is not None]
        expected = {"succeeded": ("available", [StateConflict]), "cancelled": ("error", [LeaseLost])}
        assert (volume.status, refused) == expected[operation.outcome]


def test_work_of_another_kind_is_not_called_off(accept, member):
    operation = accept()
    assert not is_cancellable(operation)
    with pytest.raises(StateConflict, match="of this kind \\(delete\\) cannot be called off"):
        call_off(operation=operation, caller=member)
    assert Operation.objects.get(pk=operation.pk).outcome == ""


def test_what_has_ended_is_not_called_off(reverting, member):
    operation, volume, _snapshot = reverting
    claim(str(operation.id), task=operation.task).finish()
    with pytest.raises(StateConflict, match="has ended already: succeeded"):
        call_off(operation=operation, caller=member)
    volume.refresh_from_db()
    assert volume.status == "available"


def test_what_fails_while_it_is_called_off_leaves_it_going_on(reverting, member, cancellable):
    operation, volume, _snapshot = reverting
    cancellable("revert", on_error_also="tests.unit.storage_site.operations.conftest.refuse")
    with pytest.raises(ZeroDivisionError):
        call_off(operation=operation, caller=member)
    operation.refresh_from_db()
    volume.refresh_from_db()
    assert (operation.outcome, volume.status) == ("", "reverting")
