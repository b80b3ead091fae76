"""What the scheduler remembers of the back-ends, by a clock of the test's own."""

import math
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import VOLUME, asks

from scheduling import capacity
from scheduling.filters import room
from scheduling.placement import place
from scheduling.reports import ReportStore, less, to_pool_reports
from scheduling.weighers import highest_first

LIFETIME_S = 60
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """This process's monotonic clock; 1000 when the reporters' clocks show EPOCH."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return ReportStore(LIFETIME_S, clock)


def report(backend="local", *, at=0.0, free=100, pools=None, **members):
    numbers = {
        "total_capacity_gb": 100,
        "free_capacity_gb": free,
        "allocated_capacity_gb": 0,
        "provisioned_capacity_gb": 0,
        "total_volumes": 0,
    }
    return {
        "backend": backend,
        "host": f"host@{backend}",
        "zone": "nova",
        "pools": [{"pool_name": "p", **numbers}] if pools is None else pools,
        "sent_at": (EPOCH + timedelta(seconds=at)).isoformat(),
        **members,
    }


def put(store, volume_id=VOLUME, size_gib=10):
    def choose(pools):
        return place(asks(size_gib, volume_id=volume_id), pools, [room], [], highest_first)

    return store.decide(choose, volume_id=volume_id, size_gib=size_gib)


def free(store):
    return {pool.backend: pool.capabilities["free_capacity_gb"] for pool in store.pools()}


def test_a_report_becomes_one_entry_for_each_pool():
    pools = [{"pool_name": "a", "multiattach": True}, {"pool_name": "b", "nobody_knows": [1]}]
    first, second = to_pool_reports(report("fast", pools=pools, later_member=1), reported_at=5)
    assert (first.backend, first.host, first.pool, first.zone) == ("fast", "host@fast", "a", "nova")
    assert first.capabilities == {"pool_name": "a", "multiattach": True}
    assert (first.reported_at, first.name) == (5, "host@fast#a")
    assert second.capabilities["nobody_knows"] == [1]


@pytest.mark.parametrize(
    ("pool", "name"),
    [
        ({"pool_name": "p"}, "p"),
        ({"volume_backend_name": "lvm"}, "lvm"),
        ({"pool_name": None, "volume_backend_name": None}, "_pool0"),
        ({}, "_pool0"),
    ],
)
def test_a_pool_without_a_name_is_named_after_its_back_end(pool, name):
    assert to_pool_reports(report(pools=[pool]))[0].pool == name


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        [],
        "text",
        {},
        report(backend=""),
        report(host=None),
        report(zone=1),
        report(sent_at="yesterday"),
        report(sent_at=None),
        report(pools={"a": 1}),
        report(pools=["p"]),
        report(pools=[{"pool_name": 5}]),
    ],
)
def test_a_malformed_report_is_refused_with_a_line_in_the_log(store, malformed, caplog):
    assert to_pool_reports(malformed) == []
    assert "report refused" in caplog.text
    store.receive(malformed)
    assert store.pools() == []


def test_the_latest_report_of_each_back_end_counts(store, clock):
    store.receive(report("local", at=0, free=90))
    store.receive(report("fast", at=0, free=50))
    clock.now += 10
    store.receive(report("local", at=10, free=80))
    assert free(store) == {"local": 80, "fast": 50}
    assert store.hosts() == {"host@local", "host@fast"}


def test_a_report_that_overtook_a_later_one_is_not_believed(store, clock):
    store.receive(report(at=0, free=90))
    clock.now += 20
    store.receive(report(at=20, free=70))
    store.receive(report(at=10, free=80))
    assert free(store) == {"local": 70}


def test_a_report_is_forgotten_when_it_grows_old(store, clock):
    store.receive(report())
    clock.now += LIFETIME_S
    assert store.hosts() == {"host@local"}
    clock.now += 1
    assert store.pools() == []


def test_what_was_given_away_is_taken_from_the_numbers(store, clock):
    store.receive(report())
    clock.now += 1
    put(store, size_gib=10)
    (pool,) = store.pools()
    names = ("free_capacity_gb", "allocated_capacity_gb", "provisioned_capacity_gb", "total_volumes")
    assert [pool.capabilities[name] for name in names] == [90, 10, 10, 1]


def test_a_report_measured_after_the_choice_overwrites_it(store, clock):
    store.receive(report(at=0))
    clock.now += 1
    put(store, size_gib=10)
    clock.now += 1
    store.receive(report(at=2, free=89.5))
    assert free(store) == {"local": 89.5}


def test_a_report_measured_before_the_choice_does_not_bring_its_room_back(store, clock):
    store.receive(report(at=0))
    clock.now += 2
    put(store, size_gib=10)
    store.receive(report(at=1, free=100))
    assert free(store) == {"local": 90}


@pytest.mark.parametrize("skew", [-3600, -5, 5, 3600])
def test_the_reporters_clock_may_be_wrong(store, clock, skew):
    store.receive(report(at=skew))
    clock.now += 2
    put(store, size_gib=10)
    store.receive(report(at=skew + 1, free=100))
    assert free(store) == {"local": 90}
    clock.now += 1
    store.receive(report(at=skew + 3, free=95))
    assert free(store) == {"local": 95}


@pytest.mark.parametrize("jump", [-1000, -70, 70, 1000])
def test_a_clock_that_is_set_right_does_not_silence_its_back_end(store, clock, jump):
    store.receive(report(at=0, free=100))
    clock.now += 10
    store.receive(report(at=10 + jump, free=80))
    assert free(store) == {"local": 80}


def test_a_request_that_is_decided_again_gives_its_first_room_back(store):
    store.receive(report())
    put(store, size_gib=60)
    assert put(store, size_gib=60).candidates
    assert free(store) == {"local": 40}


def test_a_request_that_fits_nowhere_takes_nothing(store):
    store.receive(report())
    decision = put(store, size_gib=200)
    assert decision.refused == {"host@local#p": "100 GiB free of 100, 200 asked"}
    assert free(store) == {"local": 100}


def test_many_threads_together_give_away_no_more_than_there_is(store):
    store.receive(report())
    decisions = []
    together = threading.Barrier(8)

    def work(number):
        together.wait()
        decisions.extend(put(store, volume_id=f"{number}-{turn}", size_gib=3) for turn in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(bool(decision.candidates) for decision in decisions) == 33
    assert free(store) == {"local": 1}


def test_waiting_ends_when_everybody_awaited_has_reported(store):
    waiter = threading.Thread(target=lambda: outcome.append(store.wait_for({"host@local", "host@fast"}, 30)))
    outcome = []
    waiter.start()
    store.receive(report("local"))
    store.receive(report("fast"))
    waiter.join(30)
    assert outcome == [True]


def test_waiting_ends_when_the_time_is_up(store):
    store.receive(report("local"))
    assert store.wait_for({"host@local", "host@fast"}, 0.01) is False
    assert store.wait_for({"host@local", "host@fast"}, -1) is False


def test_where_nobody_is_named_anybodys_report_ends_the_waiting(store):
    assert store.wait_for(set(), 0.01) is False
    store.receive(report("local"))
    assert store.wait_for(set(), 0) is True


def test_workers_are_asked_only_so_often(store, clock):
    assert store.asked_s_ago() == math.inf
    assert store.note_asked(10)
    clock.now += 9
    assert store.asked_s_ago() == 9
    assert not store.note_asked(10)
    clock.now += 1
    assert store.note_asked(10)


GIB = st.integers(0, 10**6) | st.floats(0, 10**6)
NUMBERS = st.dictionaries(
    st.sampled_from(["free_capacity_gb", "allocated_capacity_gb", "provisioned_capacity_gb", "total_volumes"]),
    GIB | st.none() | st.sampled_from(["infinite", "unknown"]),
)


@given(NUMBERS, st.lists(st.integers(1, 1000), min_size=1, max_size=5))
def test_taking_room_leaves_no_number_below_nought_and_no_room_where_there_was_none(numbers, taken):
    after = less(numbers, taken)
    for name, value in after.items():
        known = capacity.number(value)
        assert known is None or known >= 0
        if numbers.get(name) in {"infinite", "unknown"} and name != "allocated_capacity_gb":
            assert value == numbers[name]
    before = capacity.number(numbers.get("free_capacity_gb"))
    if before is not None:
        assert after["free_capacity_gb"] <= before
