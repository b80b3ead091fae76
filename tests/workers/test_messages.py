"""What messages promise on both brokers: work of any length is safe, nothing waits behind a busy worker,
and a broker that loses everything costs one sweep."""

import time

import pytest
from celery import current_app
from kombu import Connection

from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.waiting import until
from tests.workers.accepting import QUEUE, accept, entries, has_entered, have_all_ended, let_through, open_all, outcomes
from tests.workers.conftest import BROKER_PATIENCE_S, ready

pytestmark = pytest.mark.both_databases
START_WITHIN_S = 2


def test_this_lane_s_broker_does_lose_patience_with_a_message_that_is_held(broker):
    """Otherwise the next test could not fail."""
    options = {"visibility_timeout": BROKER_PATIENCE_S, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    with Connection(broker.url, transport_options=options if broker.name == "valkey" else {}) as connection:
        queue = connection.SimpleQueue("held")
        queue.put("once")
        queue.get(timeout=5)

        def is_repeated_or_cut() -> bool:
            try:
                return queue.get(timeout=1).payload == "once"
            except queue.Empty:
                return False
            except connection.connection_errors + connection.channel_errors:
                return True

        until(is_repeated_or_cut, "the broker repeats the message or cuts the consumer off", BROKER_PATIENCE_S + 10)


def test_long_work_and_what_waits_behind_it_run_once_each(workers, gates):
    worker = workers.start(QUEUE, "only", CELINDER_CONCURRENCY="1")
    ready(worker)
    first, *behind = [accept() for _ in range(4)]
    until(lambda: has_entered(gates, first) or any(has_entered(gates, one) for one in behind), "work has begun")
    patience_ends = time.monotonic() + 3 * BROKER_PATIENCE_S
    until(lambda: time.monotonic() > patience_ends, "the broker's patience is over three times")
    open_all(gates)
    until(lambda: have_all_ended(first, *behind), "all have ended")
    assert outcomes(first, *behind) == ["succeeded"] * 4
    assert [entries(gates, one) for one in (first, *behind)] == [1] * 4
    assert set(Operation.objects.values_list("fence", "attempts")) == {(1, 0)}
    assert "onnection to broker lost" not in worker.log


def test_what_is_accepted_while_one_worker_is_busy_starts_on_the_other(workers, gates):
    ready(*(workers.start(QUEUE, name, CELINDER_CONCURRENCY="1") for name in ("one", "two")))
    busy = accept()
    until(lambda: has_entered(gates, busy), "one worker is busy")
    for _round in range(5):
        operation = accept()
        until(lambda one=operation: has_entered(gates, one), "the other worker has begun", START_WITHIN_S)
        let_through(gates, operation)
        until(lambda one=operation: have_all_ended(one), "it has ended")
    assert outcomes(busy) == [""]
    let_through(gates, busy)
    until(lambda: have_all_ended(busy), "the long one has ended")


def test_a_broker_that_loses_everything_costs_one_sweep(workers, broker, gates):
    ready(workers.start(QUEUE, "only", CELINDER_CONCURRENCY="1"))
    operations = [accept() for _ in range(4)]
    until(lambda: any(has_entered(gates, one) for one in operations), "work has begun")
    with current_app.connection_for_write() as connection:
        assert connection.default_channel.queue_purge(QUEUE) == 3
    open_all(gates)
    until(lambda: outcomes(*operations).count("succeeded") == 1, "the one that was running has ended")
    assert sweep() == 3
    until(lambda: have_all_ended(*operations), "all have ended")


def test_a_worker_outlives_its_broker_and_what_was_accepted_meanwhile_is_done(workers, broker, gates):
    open_all(gates)
    worker = workers.start(QUEUE, "only")
    ready(worker)
    broker.kill()
    operation = accept()
    assert operation.outcome == ""
    broker.start()
    until(lambda: sweep() or have_all_ended(operation), "the broker can be rung again", 30)
    until(lambda: have_all_ended(operation), "it has ended", 40)
    assert outcomes(operation) == ["succeeded"]
    assert worker.process.poll() is None
