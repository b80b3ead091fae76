"""How fast work gets on is reckoned from where this attempt began, and told at most once a second."""

import time

import pytest

from storage_site.operations.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def test_rate_and_seconds_left_are_those_of_this_attempt(clock):
    pace = Pace(first=400)
    clock.now += 2
    told = pace.at(600, 1000)
    assert (told.done_bytes, told.total_bytes, told.bytes_per_s, told.seconds_left) == (600, 1000, 100, 4)


def test_what_needs_no_carrying_gets_on_and_is_not_in_the_rate(clock):
    pace = Pace()
    clock.now += 2
    told = pace.at(500, 1000, moved=20)
    assert (told.bytes_per_s, told.seconds_left) == (10, 2)


def test_it_is_told_once_a_second_and_nobody_knows_when_nothing_has_come(clock):
    pace = Pace()
    assert pace.at(0, 1000).seconds_left is None
    clock.now += 0.9
    assert pace.at(10, 1000) is None
    clock.now += 0.1
    assert pace.at(10, 1000) is not None
