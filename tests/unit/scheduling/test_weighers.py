"""Each weigher of contract 07, section 7, and the two ways of ordering."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import asks, pool

from scheduling.placement import Weigher
from scheduling.weighers import (
    allocated_capacity,
    chance,
    free_capacity,
    goodness,
    highest_first,
    lottery,
    normalised,
    volume_number,
)

SPREAD = Weigher("CapacityWeigher", free_capacity, 1.0)
STACK = Weigher("CapacityWeigher", free_capacity, -1.0)


def order(ranked):
    return [candidate.backend for candidate in ranked]


@pytest.mark.parametrize(
    ("weigher", "expected"),
    [
        (SPREAD, ["roomy", "full", "endless"]),
        (STACK, ["full", "roomy", "endless"]),
    ],
)
def test_the_roomiest_comes_first_or_last_and_a_pool_without_a_figure_always_last(weigher, expected):
    pools = [
        pool("endless", free_capacity_gb="infinite"),
        pool("full", free_capacity_gb=5),
        pool("roomy", free_capacity_gb=90),
    ]
    assert order(highest_first(asks(), pools, [weigher])) == expected


def test_a_pool_without_a_figure_weighs_minus_one_or_very_much():
    pools = [pool(free_capacity_gb="unknown"), pool(free_capacity_gb=20), pool(free_capacity_gb=30)]
    assert free_capacity(asks(), pools, 1.0) == [-1, 20, 30]
    assert free_capacity(asks(), pools, -1.0)[0] > 100 * 30
    assert free_capacity(asks(), [], 1.0) == []


def test_a_thin_pool_is_weighed_by_what_it_may_promise():
    thin = pool(thin_provisioning_support=True, max_over_subscription_ratio=3, provisioned_capacity_gb=50)
    assert free_capacity(asks(), [thin], 1.0) == [250]


def test_the_least_allocated_comes_first():
    pools = [pool("much", allocated_capacity_gb=50), pool("little", allocated_capacity_gb=5), pool("nothing")]
    ranked = highest_first(asks(), pools, [Weigher("AllocatedCapacityWeigher", allocated_capacity, -1.0)])
    assert order(ranked) == ["nothing", "little", "much"]


def test_the_pool_with_the_fewest_volumes_comes_first():
    pools = [pool("many", total_volumes=9), pool("few", total_volumes=1)]
    assert order(highest_first(asks(), pools, [Weigher("VolumeNumberWeigher", volume_number, -1.0)])) == ["few", "many"]


def test_chance_prefers_nobody():
    pools = [pool("a"), pool("b")]
    firsts = Counter(highest_first(asks(), pools, [Weigher("ChanceWeigher", chance)])[0].backend for _ in range(100))
    assert set(firsts) == {"a", "b"}


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("50", 50),
        ("100", 100),
        ("0", 0),
        ("volume.size * 2", 20),
        ("1 < 2", 100),
        ("2 < 1", 0),
        ("101", 0),
        ("-1", 0),
        ("'high'", 0),
        ("stats.gone", 0),
        ("1 +", 0),
        (None, 0),
    ],
)
def test_goodness_is_what_the_pool_says_of_itself(function, value):
    assert goodness(asks(10), [pool(goodness_function=function)], 1.0) == [value]


def test_weights_are_normalised_multiplied_and_summed():
    pools = [
        pool("a", free_capacity_gb=100, allocated_capacity_gb=80),
        pool("b", free_capacity_gb=60, allocated_capacity_gb=10),
        pool("c", free_capacity_gb=20, allocated_capacity_gb=45),
    ]
    ranked = highest_first(asks(), pools, [SPREAD, Weigher("Allocated", allocated_capacity, -2.0)])
    assert {one.backend: one.weight for one in ranked} == {"a": 1.0 - 2.0, "b": 0.5, "c": -1.0}
    assert order(ranked) == ["b", "a", "c"]


def test_pools_that_weigh_the_same_come_in_the_order_of_their_names():
    ranked = highest_first(asks(), [pool("b"), pool("a")], [SPREAD])
    assert [(one.backend, one.weight) for one in ranked] == [("a", 0), ("b", 0)]


def test_without_weighers_every_pool_is_as_good():
    assert order(highest_first(asks(), [pool("b"), pool("a")], [])) == ["a", "b"]
    assert highest_first(asks(), [], [SPREAD]) == ()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_normalised_weights_lie_between_nought_and_one(values):
    weights = normalised(values)
    assert all(0 <= weight <= 1 for weight in weights)
    if max(values) > min(values):
        assert weights[values.index(max(values))] == 1
        assert weights[values.index(min(values))] == 0
    else:
        assert set(weights) == {0}


@pytest.mark.parametrize("ranking", [highest_first, lottery])
def test_a_weigher_of_anybodys_making_cannot_give_an_endless_weight(ranking):
    odd = Weigher("odd", lambda request, pools, multiplier: [math.inf, math.nan, 1.0])
    ranked = ranking(asks(), [pool("a"), pool("b"), pool("c")], [odd])
    assert {one.backend: one.weight for one in ranked} == {"a": 0, "b": 0, "c": 1}


@pytest.mark.parametrize("ranking", [highest_first, lottery])
def test_a_weigher_that_forgets_a_pool_is_an_error(ranking):
    with pytest.raises(ValueError, match="zip"):
        ranking(asks(), [pool("a"), pool("b")], [Weigher("short", lambda request, pools, multiplier: [1.0])])


def test_a_lottery_draws_each_pool_as_often_as_its_share():
    pools = [pool("large", free_capacity_gb=75), pool("small", free_capacity_gb=25), pool("none", free_capacity_gb=0)]
    chances = random.Random(7)  # noqa: S311 (a draw that can be repeated)
    firsts = Counter(lottery(asks(), pools, [SPREAD], chances)[0].backend for _ in range(2000))
    assert set(firsts) == {"large", "small"}
    assert math.isclose(firsts["large"] / 2000, 0.75, abs_tol=0.05)


def test_a_lottery_orders_every_pool_once():
    pools = [pool(name, free_capacity_gb=size) for name, size in [("a", 10), ("b", 20), ("c", 0)]]
    assert sorted(order(lottery(asks(), pools, [SPREAD]))) == ["a", "b", "c"]


def test_a_lottery_without_shares_is_fair():
    pools = [pool("a", allocated_capacity_gb=5), pool("b", allocated_capacity_gb=50)]
    weigher = Weigher("AllocatedCapacityWeigher", allocated_capacity, -1.0)
    chances = random.Random(7)  # noqa: S311 (a draw that can be repeated)
    firsts = Counter(lottery(asks(), pools, [weigher], chances)[0].backend for _ in range(1000))
    assert math.isclose(firsts["a"] / 1000, 0.5, abs_tol=0.06)
