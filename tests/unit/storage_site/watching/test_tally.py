"""Tallies: what has ended is counted once, whenever somebody looks and however often it is added up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.operations.models import Operation
from storage_site.watching import tally
from storage_site.watching.models import Tally, TallyMark
from tests.factories import OperationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
KIND = ("volume", "delete", "succeeded")


@pytest.fixture(autouse=True)
def counting_since_yesterday():
    TallyMark.objects.create(pk=1, until=timezone.now() - timedelta(days=1))


def end(ago_s: float, outcome: str = Operation.SUCCEEDED, took_s: float = 10) -> None:
    at = timezone.now() - timedelta(seconds=ago_s)
    created_at = at - timedelta(seconds=took_s)
    OperationFactory(outcome=outcome, finished_at=at, created_at=created_at)


def found() -> dict[tuple[str, str, str], tuple[int, int]]:
    return {tuple(kind): (ended.number, round(ended.seconds)) for kind, ended in tally.ended()}


def test_what_has_ended_counts_before_and_after_it_is_added_up():
    end(3600)
    end(2)
    end(1000, Operation.FAILED)
    before = found()
    assert before == {KIND: (2, 20), ("volume", "delete", "failed"): (1, 10)}
    assert tally.add_up() == 2
    assert tally.add_up() == 0
    assert found() == before
    assert Tally.objects.count() == 2


def test_what_ended_since_is_added_to_it():
    end(3600)
    tally.add_up()
    end(0)
    assert found() == {KIND: (2, 20)}


def test_an_end_that_is_committed_late_is_not_missed():
    """Whoever ends an operation dates it before the commit, and by another host's clock."""
    tally.add_up()
    end(120)
    assert found() == {KIND: (1, 10)}


def test_what_ended_before_counting_began_is_not_looked_through():
    TallyMark.objects.all().delete()
    end(3600)
    assert found() == {}


def test_operations_that_are_removed_after_they_were_added_up_still_count():
    end(3600)
    tally.add_up()
    Operation.objects.all().delete()
    assert found() == {KIND: (1, 10)}


def test_canaries_and_what_goes_on_do_not_count():
    OperationFactory()
    OperationFactory(resource_type="watching.canary", verb="sing", outcome="succeeded", finished_at=timezone.now())
    assert found() == {}


def test_recent_ends_are_found_by_their_index(django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        found()
    plan = Operation.objects.filter(finished_at__gte=timezone.now()).order_by().explain()
    assert "operation_finished" in plan or "Seq Scan" in plan  # PostgreSQL reads a table of a page as it is
