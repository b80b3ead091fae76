"""The capacity arithmetic of contract 07, section 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import asks, pool

from scheduling import capacity
from scheduling.placement import PoolKey

THIN = {"thin_provisioning_support": True}
THICK_TYPE = {"provisioning:type": "thick"}


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        # total, reserved, available, virtual free
        ({"total_capacity_gb": 100, "free_capacity_gb": 80}, (100, 0, 100, 80)),
        ({"total_capacity_gb": 100, "free_capacity_gb": 95, "provisioned_capacity_gb": 40}, (100, 0, 100, 60)),
        ({"total_capacity_gb": 99, "free_capacity_gb": 99, "reserved_percentage": 5}, (99, 4, 95, 95)),
        ({"total_capacity_gb": 10.126, "free_capacity_gb": 10.126}, (10.126, 0, 10.13, 10.13)),
        # provisioned is missing: what the service allocated counts
        (
            {
                "total_capacity_gb": 50,
                "free_capacity_gb": 50,
                "provisioned_capacity_gb": None,
                "allocated_capacity_gb": 20,
            },
            (50, 0, 50, 30),
        ),
    ],
)
def test_a_thick_pool_has_what_is_neither_reserved_nor_promised_nor_used(reports, expected):
    room = capacity.room(asks(), pool(**reports))
    assert (room.total, room.reserved, room.total_available, room.virtual_free) == expected


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ({"max_over_subscription_ratio": 2}, (200, 200)),
        ({"max_over_subscription_ratio": "1.5", "provisioned_capacity_gb": 30}, (150, 120)),
        ({"max_over_subscription_ratio": 2, "reserved_percentage": 10, "provisioned_capacity_gb": 50}, (180, 130)),
        # what is physically free does not bound what a thin pool may promise
        ({"max_over_subscription_ratio": 3, "free_capacity_gb": 1}, (300, 300)),
        # nothing reported: the scheduler's own ratio
        ({}, (2000, 2000)),
        ({"max_over_subscription_ratio": "auto"}, (2000, 2000)),
    ],
)
def test_a_thin_pool_promises_its_total_several_times(reports, expected):
    room = capacity.room(asks(), pool(**THIN, **reports))
    assert (room.total_available, room.virtual_free) == expected


@pytest.mark.parametrize(
    ("said", "default", "provisioned", "free", "ratio"),
    [
        (5, "20.0", 0, 100, 5),
        ("7.5", "20.0", 0, 100, 7.5),
        (None, "20.0", 0, 100, 20),
        (None, 3, 0, 100, 3),
        (None, "auto", 30, 91, 1 + 30 / 10),
        ("auto", "20.0", 0, 100, 20),
        ("auto", "20.0", 90, 81, 1 + 90 / 20),
    ],
)
def test_the_ratio_is_the_pools_own_or_the_schedulers_or_computed(said, default, provisioned, free, ratio):
    report = pool(**THIN, max_over_subscription_ratio=said, provisioned_capacity_gb=provisioned, free_capacity_gb=free)
    assert capacity.room(asks(default_ratio=default), report).ratio == ratio


def test_a_thick_type_on_a_thin_pool_is_counted_without_a_ratio():
    report = pool(**THIN, max_over_subscription_ratio=20, free_capacity_gb=60)
    assert capacity.room(asks(extra_specs=THICK_TYPE), report).virtual_free == 60


@pytest.mark.parametrize(
    ("size_gib", "reports"),
    [
        (100, {}),
        (0, {"free_capacity_gb": None}),
        (500, {"free_capacity_gb": "infinite"}),
        (500, {"free_capacity_gb": "unknown", "total_capacity_gb": "unknown", "reserved_percentage": 10}),
        (50, {"total_capacity_gb": "infinite", "free_capacity_gb": 10}),
        (200, {**THIN, "max_over_subscription_ratio": 2}),
        (100, {**THIN, "max_over_subscription_ratio": 1}),
    ],
)
def test_a_pool_with_room_enough_passes(size_gib, reports):
    assert capacity.refusal(asks(size_gib), pool(**reports)) is None


@pytest.mark.parametrize(
    ("size_gib", "reports", "sentence"),
    [
        (20, {"total_capacity_gb": 10, "free_capacity_gb": 3.2}, "3.2 GiB free of 10, 20 asked"),
        (
            20,
            {"free_capacity_gb": 50, "reserved_percentage": 90},
            "10 GiB free of 100 (90 reserved), 20 asked",
        ),
        (
            300,
            {**THIN, "max_over_subscription_ratio": 2, "provisioned_capacity_gb": 10},
            "190 GiB free of 100 (promised up to 2 times), 300 asked",
        ),
        # rounding alone would let this one pass
        (
            5,
            {**THIN, "max_over_subscription_ratio": 1, "total_capacity_gb": 10, "provisioned_capacity_gb": 5.004},
            "5 GiB free of 10, 5 asked",
        ),
        (1, {"free_capacity_gb": None}, "its free capacity is not reported"),
        (1, {"total_capacity_gb": 0, "free_capacity_gb": 0}, "its total capacity is 0 GiB"),
        (1, {"total_capacity_gb": -1, "free_capacity_gb": 5}, "its total capacity is -1 GiB"),
        (
            1,
            {"total_capacity_gb": "infinite", "free_capacity_gb": 10, "reserved_percentage": 5},
            "5 % of a total that is not known are reserved; reserve nothing",
        ),
        (1, {"free_capacity_gb": "plenty"}, "its capacities are no numbers: total 100, free 'plenty'"),
        (1, {"total_capacity_gb": True}, "its capacities are no numbers: total True, free 100"),
        (
            1,
            {**THIN, "max_over_subscription_ratio": 0.5},
            "its max_over_subscription_ratio is below 1 or no number; correct the back-end's configuration",
        ),
        (
            1,
            {**THIN, "max_over_subscription_ratio": "many"},
            "its max_over_subscription_ratio is below 1 or no number; correct the back-end's configuration",
        ),
        (1, {**THIN, "reserved_percentage": 100}, "0 GiB free of 100 (100 reserved, promised up to 20 times), 1 asked"),
    ],
)
def test_a_pool_without_room_says_why(size_gib, reports, sentence):
    assert capacity.refusal(asks(size_gib), pool(**reports)) == sentence


def test_a_volume_whose_type_changes_needs_no_more_room_where_it_is():
    full = pool("local", free_capacity_gb=0)
    assert capacity.refusal(asks(50, already_at=PoolKey("local", "local")), full) is None
    assert capacity.refusal(asks(50, already_at=PoolKey("other", "local")), full) is not None


GIB = st.floats(min_value=0, max_value=1e6, allow_nan=False)
REPORTS = st.fixed_dictionaries(
    {
        "total_capacity_gb": GIB,
        "free_capacity_gb": GIB,
        "provisioned_capacity_gb": GIB | st.none(),
        "allocated_capacity_gb": GIB,
        "reserved_percentage": st.integers(0, 100),
        "thin_provisioning_support": st.booleans(),
        "max_over_subscription_ratio": st.none() | st.just("auto") | st.floats(1, 100),
    }
)


@given(REPORTS, st.integers(1, 10**6))
def test_what_fits_leaves_no_less_than_nothing(reports, size_gib):
    report = pool(**reports)
    if capacity.refusal(asks(size_gib), report) is None:
        assert capacity.room(asks(size_gib), report).virtual_free - size_gib >= 0


@given(REPORTS, st.integers(1, 10**6), st.integers(0, 1000))
def test_what_does_not_fit_does_not_fit_when_it_is_larger(reports, size_gib, more):
    report = pool(**reports)
    if capacity.refusal(asks(size_gib), report) is not None:
        assert capacity.refusal(asks(size_gib + more), report) is not None


@given(REPORTS, st.integers(1, 10**6), GIB)
def test_what_fits_still_fits_when_less_is_promised(reports, size_gib, less):
    # An automatic ratio grows with what is promised, so it is left out here.
    said = {**reports, "max_over_subscription_ratio": 2.0, "provisioned_capacity_gb": less}
    if capacity.refusal(asks(size_gib), pool(**said)) is None:
        assert capacity.refusal(asks(size_gib), pool(**{**said, "provisioned_capacity_gb": less / 2})) is None


MEMBERS = [
    "total_capacity_gb",
    "free_capacity_gb",
    "reserved_percentage",
    "provisioned_capacity_gb",
    "max_over_subscription_ratio",
    "thin_provisioning_support",
]
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers())


@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES))
def test_whatever_a_pool_reports_there_is_an_answer(reports):
    answer = capacity.refusal(asks(1), pool(**reports))
    assert answer is None or isinstance(answer, str)
