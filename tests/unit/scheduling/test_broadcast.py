"""Reports and questions by broadcast, over a real (in-memory) broker."""

from types import SimpleNamespace

import pytest
from celery import current_app
from celery.concurrency import prefork
from celery.exceptions import ImproperlyConfigured
from kombu.asynchronous.timer import Timer
from pools import asks
from workers import app_of, listening, scheduler, state_of, told, volume_worker

from scheduling import enquiry, remote
from scheduling.filters import capabilities, room
from scheduling.placement import place
from scheduling.reports import REPORTS
from scheduling.weighers import highest_first
from storage_site import queues
from storage_site.errors import Unavailable
from volumes import backends
from volumes.reporting import report_of

pytestmark = pytest.mark.django_db


def report(key="mem1"):
    return report_of(key, backends.driver(key))


def test_only_workers_that_place_volumes_keep_reports():
    remote.receive_report(state_of(app_of(queues.BACKUP, "volume-mem1")), report=report())
    assert REPORTS.pools() == []
    remote.receive_report(state_of(app_of(queues.SCHEDULER)), report=report(), a_later_argument=1)
    assert REPORTS.hosts() == {report()["host"]}


def test_a_report_of_a_volume_worker_can_be_placed_by():
    told([report()])
    request = asks(100, extra_specs={"volume_backend_name": "mem1", "multiattach": "<is> True"})
    decision = place(request, REPORTS.pools(), [room, capabilities], [], highest_first)
    assert [(one.backend, one.pool) for one in decision.candidates] == [("mem1", "mem1")]


def test_all_volume_workers_answer_a_scheduler_that_asks():
    with listening(scheduler(), volume_worker("mem1"), volume_worker("mem2")):
        enquiry.ask_for_reports()
        assert REPORTS.wait_for({report("mem1")["host"], report("mem2")["host"]}, 30)


def test_a_scheduler_tells_the_pools_it_knows():
    told([report("mem1"), report("mem2")])
    with listening(volume_worker("mem1"), scheduler()):
        found = enquiry.known_pools(5)
    assert found == REPORTS.pools()


def test_a_scheduler_that_knows_nothing_says_so():
    with listening(scheduler()):
        assert enquiry.known_pools(5) == []


def test_without_a_scheduler_the_question_ends_in_a_refusal():
    with listening(volume_worker("mem1")), pytest.raises(Unavailable, match=r"No scheduler answered in 0\.2 s"):
        enquiry.known_pools(0.2)


@pytest.fixture
def broker_away(tmp_path, monkeypatch):
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{tmp_path}/none.sock")


def test_a_broker_that_is_away_is_a_refusal_to_the_one_and_a_log_line_to_the_other(broker_away, caplog):
    with pytest.raises(Unavailable, match="broker does not answer"):
        enquiry.known_pools(0.2)
    enquiry.ask_for_reports()
    assert "volume workers not asked for reports" in caplog.text


def consumer_of(app, pool):
    return SimpleNamespace(app=app, pool=pool, timer=Timer())


def test_a_scheduler_asks_once_its_loop_can_hear_the_answer():
    consumer = consumer_of(app_of(queues.SCHEDULER), object())
    with listening(volume_worker("mem1"), scheduler()):
        remote.AskForReports(None).start(consumer)
        ((_eta, _priority, entry),) = consumer.timer.queue
        entry()
        assert REPORTS.wait_for({report()["host"]}, 30)


def test_other_workers_ask_nothing():
    consumer = consumer_of(app_of("volume-mem1"), object())
    remote.AskForReports(None).start(consumer)
    assert not consumer.timer.queue


def test_a_scheduler_whose_tasks_reports_would_not_reach_does_not_start():
    processes = object.__new__(prefork.TaskPool)
    with pytest.raises(ImproperlyConfigured, match="--pool=threads"):
        remote.AskForReports(None).start(consumer_of(app_of(queues.SCHEDULER), processes))
