"""Canaries: every queue is given one, a worker answers, and nothing of it piles up."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from storage_site.operations import doorbell
from storage_site.operations.models import Operation, Transition
from storage_site.operations.perform import carry_out
from storage_site.watching import canaries, singing
from storage_site.watching.models import Canary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TASK = "storage_site.watching.tasks.sing"
QUEUES = ["scheduler", "backup", "volume-mem1", "volume-mem2"]


@pytest.fixture(autouse=True)
def empty_queues():
    with current_app.connection_for_write() as connection:
        for queue in QUEUES:
            connection.default_channel.queue_declare(queue=queue)
            connection.default_channel.queue_purge(queue)


def answer(queue: str) -> None:
    operation = Operation.objects.get(queue=queue, outcome="")
    carry_out(str(operation.id), singing.run, task=TASK, queue=queue)


def later(**fields: object) -> None:
    """Let the canaries have been sent a while ago."""
    Canary.objects.update(asked_at=timezone.now() - timedelta(seconds=90), **fields)


def told(queue: str) -> canaries.Told:
    return canaries.told([queue])[0]


def test_every_queue_of_the_settings_is_given_one_and_rung_for():
    assert canaries.send() == len(QUEUES)
    assert set(Operation.objects.values_list("queue", "verb", "project_id")) == {(it, "sing", "") for it in QUEUES}
    assert [doorbell.depth(queue) for queue in QUEUES] == [1, 1, 1, 1]


def test_a_worker_s_answer_tells_when_how_fast_where_and_by_which_clock(settings):
    canaries.send()
    assert (told("backup").ended_at, told("backup").waiting_s is None) == (None, False)
    answer("backup")
    found = told("backup")
    assert found.waiting_s is None
    assert (found.age_s < 5, found.took_s < 5, found.node_host) == (True, True, settings.NODE_HOST)
    assert abs(found.clock_ahead_s) < 1


def test_a_worker_whose_clock_is_wrong_tells_so(monkeypatch):
    canaries.send()
    monkeypatch.setattr(singing.timezone, "now", lambda: real() + timedelta(minutes=3))
    answer("scheduler")
    monkeypatch.undo()
    assert 170 < told("scheduler").clock_ahead_s < 190


def real():
    from datetime import UTC, datetime

    return datetime.now(UTC)


def test_one_that_waits_is_not_sent_again_and_holds_one_bell():
    canaries.send()
    later()
    assert canaries.send() == 0
    assert doorbell.depth("backup") == 1
    assert told("backup").waiting_s > 60


def test_two_who_send_at_once_send_one():
    canaries.send()
    answer("backup")
    assert canaries.send() == 0
    assert Operation.objects.filter(queue="backup", outcome="").count() == 0


def test_what_has_ended_is_removed_when_the_next_is_sent_and_leaves_no_history():
    for _turn in range(5):
        canaries.send()
        answer("backup")
        later()
    assert canaries.send() == 1
    assert Operation.objects.filter(queue="backup").count() == 1
    assert Transition.objects.count() == 0


def test_a_queue_that_the_settings_name_no_more_is_forgotten(settings):
    canaries.send()
    settings.STORAGE_BACKENDS = {"mem1": settings.STORAGE_BACKENDS["mem1"]}
    canaries.send()
    assert set(Canary.objects.values_list("queue", flat=True)) == {"scheduler", "backup", "volume-mem1"}


def test_what_is_told_takes_two_queries(django_assert_num_queries):
    canaries.send()
    with django_assert_num_queries(2):
        assert [found.queue for found in canaries.told()] == QUEUES


def test_a_queue_that_never_had_one_is_told_as_that():
    assert (told("scheduler").ended_at, told("scheduler").waiting_s) == (None, None)
