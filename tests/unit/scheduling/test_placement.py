"""The whole choice: candidates in order, and a sentence for every pool that is none."""

import pytest
from pools import asks, pool

from scheduling.filters import availability_zone, room
from scheduling.placement import Decision, PoolKey, Weigher, place
from scheduling.weighers import free_capacity, highest_first

WEIGHERS = [Weigher("CapacityWeigher", free_capacity)]


def placed(request, *pools):
    return place(request, pools, [availability_zone, room], WEIGHERS, highest_first)


def test_the_pools_that_fit_are_candidates_and_the_others_say_why_not():
    decision = placed(
        asks(20, availability_zones=("nova",)),
        pool("small", total_capacity_gb=10, free_capacity_gb=3.2),
        pool("fast", free_capacity_gb=50),
        pool("large", free_capacity_gb=90),
        pool("away", zone="moon"),
    )
    assert [(one.backend, one.pool, one.host, one.weight) for one in decision.candidates] == [
        ("large", "large", "host@large", 1.0),
        ("fast", "fast", "host@fast", 0.0),
    ]
    assert decision.refused == {
        "host@small#small": "3.2 GiB free of 10, 20 asked",
        "host@away#away": "it is in zone moon, nova asked",
    }


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        ({"is_enabled": False}, "the service is disabled; enable host@local"),
        (
            {"is_enabled": False, "disabled_reason": "new disks"},
            "the service is disabled (new disks); enable host@local",
        ),
        ({"is_up": False}, "no heartbeat; its worker is down or cannot reach the database"),
        ({"is_frozen": True}, "the service is frozen; thaw host@local"),
    ],
)
def test_a_service_that_does_not_serve_gets_nothing_whatever_filters_are_configured(standing, reason):
    decision = place(asks(), [pool("local", **standing)], [], WEIGHERS, highest_first)
    assert decision == Decision((), {"host@local#local": reason})


def test_a_back_end_that_has_refused_is_not_tried_again():
    decision = placed(asks(excluded={"local": "no space left on device"}), pool("local"), pool("fast"))
    assert [one.backend for one in decision.candidates] == ["fast"]
    assert decision.refused == {"host@local#local": "tried already: no space left on device"}


def test_a_pinned_request_goes_nowhere_else():
    decision = placed(asks(pinned=PoolKey("fast")), pool("local"), pool("fast", name="p1"), pool("fast", name="p2"))
    assert [one.pool for one in decision.candidates] == ["p1", "p2"]
    assert decision.refused == {"host@local#local": "the volume has to be where its source or group is, on fast"}
    decision = placed(asks(pinned=PoolKey("fast", "p2")), pool("fast", name="p1"), pool("fast", name="p2"))
    assert [one.pool for one in decision.candidates] == ["p2"]
    assert decision.refused == {"host@fast#p1": "the volume has to be where its source or group is, on fast#p2"}


def test_the_explanation_names_every_back_end_and_its_pools_where_there_are_several():
    decision = placed(
        asks(200), pool("local"), pool("fast", name="p1", free_capacity_gb=5), pool("fast", name="p2", zone="moon")
    )
    assert decision.explained() == (
        "fast#p1: 5 GiB free of 100, 200 asked; fast#p2: 100 GiB free of 100, 200 asked; "
        "local: 100 GiB free of 100, 200 asked"
    )
    assert placed(asks()).explained() == "No back-end has reported."


def test_a_decision_can_be_kept_as_json():
    assert placed(asks(), pool("local"), pool("full", free_capacity_gb=0)).as_json() == {
        "candidates": [{"backend": "local", "pool": "local", "host": "host@local", "weight": 0.0}],
        "refused": {"host@full#full": "0 GiB free of 100, 1 asked"},
    }
