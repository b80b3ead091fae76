"""What an operator may do to an operation by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.errors import StateConflict
from storage_site.operations.interventions import cancel, retry_now
from storage_site.operations.models import Operation
from storage_site.operations.sweep import waiting

pytestmark = pytest.mark.django_db


def test_an_operation_put_off_is_due_at_once(accept, admin):
    operation = accept(not_before=timezone.now() + timedelta(hours=1))
    retry_now(operation=operation, caller=admin)
    assert waiting().get() == operation


def test_an_operation_whose_lease_ran_out_may_be_retried(accept, admin):
    moment = timezone.now()
    operation = accept(owner="gone", lease_until=moment - timedelta(seconds=1), not_before=moment + timedelta(hours=1))
    retry_now(operation=operation, caller=admin)
    assert waiting().get() == operation


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"owner": "node1/1", "lease_until": timezone.now() + timedelta(hours=1)}, "A worker is on it: node1/1"),
        ({"outcome": "failed", "finished_at": timezone.now()}, "It has ended \\(failed\\)"),
    ],
)
def test_a_retry_is_refused(accept, admin, fields, reason):
    operation = accept(**fields)
    before = operation.not_before
    with pytest.raises(StateConflict, match=reason):
        retry_now(operation=operation, caller=admin)
    operation.refresh_from_db()
    assert operation.not_before == before


def test_a_cancelled_operation_tells_who_and_why(accept, admin):
    operation = accept()
    assert cancel(operation=operation, caller=admin, reason="wrong volume") == 1
    operation.refresh_from_db()
    assert operation.outcome == Operation.CANCELLED
    assert operation.fault_detail == "Cancelled by admin: wrong volume"


def test_what_has_ended_is_not_cancelled_and_neither_is_what_came_after(accept, admin):
    ended = accept(outcome="failed", finished_at=timezone.now())
    later = accept()
    Operation.objects.filter(pk=later.pk).update(resource_id=ended.resource_id)
    with pytest.raises(StateConflict, match="ended already: failed"):
        cancel(operation=ended, caller=admin, reason="late")
    later.refresh_from_db()
    assert not later.is_finished
