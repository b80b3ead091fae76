"""The sweep: rings for what nobody works on, and for nothing else."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from storage_site.operations import doorbell
from storage_site.operations.claims import claim
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from volumes.models import Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
QUEUE = "volume-mem1"


@pytest.fixture(autouse=True)
def empty_queue():
    with current_app.connection_for_write() as connection:
        connection.default_channel.queue_declare(queue=QUEUE)
        connection.default_channel.queue_purge(QUEUE)


def lose_messages() -> None:
    with current_app.connection_for_write() as connection:
        connection.default_channel.queue_purge(QUEUE)


def test_accepting_rings_once(accept):
    accept()
    assert doorbell.depth(QUEUE) == 1


def test_what_has_lost_its_message_is_rung_again(accept):
    accept()
    lose_messages()
    assert sweep() == 1
    assert doorbell.depth(QUEUE) == 1


def test_what_still_has_its_message_is_not_rung_again(accept):
    accept()
    accept()
    assert sweep() == 0
    assert doorbell.depth(QUEUE) == 2


def test_what_somebody_works_on_is_left_alone(accept):
    operation = accept()
    lose_messages()
    claim(str(operation.id), task=operation.task)
    assert sweep() == 0


def test_what_a_dead_worker_held_is_rung_again(accept):
    operation = accept()
    lose_messages()
    claim(str(operation.id), task=operation.task)
    Operation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep() == 1


def test_what_is_put_off_is_rung_when_its_time_has_come(accept):
    operation = accept()
    lose_messages()
    claim(str(operation.id), task=operation.task).postpone(3600, "backend-down", "no answer")
    assert sweep() == 0
    Operation.objects.update(not_before=timezone.now())
    assert sweep() == 1


def test_what_nobody_took_up_until_its_deadline_ends_with_a_reason(accept):
    operation = accept(deadline_at=timezone.now() - timedelta(seconds=1))
    sweep()
    operation.refresh_from_db()
    assert operation.outcome == "failed"
    assert "No worker of queue volume-mem1" in operation.fault_detail
    assert Volume.objects.get(pk=operation.resource_id).status == "error_deleting"


def test_statuses_that_belong_to_clients_are_never_swept(member):
    from tests.factories import VolumeFactory

    for status in ("reserved", "attaching", "detaching", "awaiting-transfer", "maintenance"):
        VolumeFactory(status=status)
    assert sweep() == 0


def test_a_queue_that_nobody_serves_does_not_keep_the_sweep_from_the_others(accept, monkeypatch):
    monkeypatch.setattr("storage_site.operations.sweep.BATCH", 2)
    for _count in range(3):
        accept(queue="volume-gone", not_before=timezone.now() - timedelta(hours=1))
    accept()
    lose_messages()
    sweep()
    assert doorbell.depth(QUEUE) == 1


def test_one_that_cannot_be_ended_does_not_keep_the_sweep_from_the_others(accept):
    past = timezone.now() - timedelta(seconds=1)
    accept(verb="of a later release", deadline_at=past, not_before=past - timedelta(hours=1))
    overdue = accept(deadline_at=past)
    accept()
    lose_messages()
    assert sweep() >= 1
    overdue.refresh_from_db()
    assert overdue.outcome == "failed"
