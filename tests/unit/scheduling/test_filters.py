"""Each filter of contract 07, section 3."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import VOLUME, asks, pool

from scheduling import filters, queries
from scheduling.placement import PoolKey

OTHER = "22222222-2222-4222-8222-222222222222"
THERE = {VOLUME: PoolKey("local", "local"), OTHER: PoolKey("fast", "fast")}


@pytest.mark.parametrize(
    ("zones", "zone", "reason"),
    [
        ((), "nova", None),
        (("nova",), "nova", None),
        (("a", "b"), "b", None),
        (("a", "b"), "nova", "it is in zone nova, a or b asked"),
        (("a",), "", "it is in zone (none), a asked"),
    ],
)
def test_a_pool_has_to_be_in_one_of_the_zones(zones, zone, reason):
    assert filters.availability_zone(asks(availability_zones=zones), pool(zone=zone)) == reason


def test_a_pool_has_to_have_room():
    assert filters.room(asks(100), pool()) is None
    assert filters.room(asks(101), pool()) == "100 GiB free of 100, 101 asked"


def test_a_pool_has_to_have_what_the_extra_specs_ask_for():
    request = asks(extra_specs={"multiattach": "<is> True"})
    assert filters.capabilities(request, pool(multiattach=True)) is None
    assert filters.capabilities(request, pool(multiattach=False)).endswith("the pool has False")


@pytest.mark.parametrize(
    ("can_extend", "is_growing_attached", "passes"),
    [(True, True, True), (False, True, False), (False, False, True), (None, True, True)],
)
def test_an_attached_volume_grows_where_that_is_possible(can_extend, is_growing_attached, passes):
    request = asks(is_growing_attached=is_growing_attached)
    assert (filters.capabilities(request, pool(online_extend_support=can_extend)) is None) is passes


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        (None, None),
        ([], None),
        (OTHER, None),
        ([OTHER], None),
        (VOLUME, f"volume {VOLUME} is there, another place was asked"),
        ([OTHER, VOLUME.upper()], f"volume {VOLUME} is there, another place was asked"),
        ("33333333-3333-4333-8333-333333333333", None),
        ("no id", "the hint different_host has to be volume ids"),
        ([1], "the hint different_host has to be volume ids"),
        ({"a": 1}, "the hint different_host has to be volume ids"),
        (7, "the hint different_host has to be volume ids"),
    ],
)
def test_another_place_than_that_of_the_named_volumes_can_be_asked(hint, reason):
    request = asks(hints={"different_host": hint}, neighbours=THERE)
    assert filters.different_backend(request, pool("local")) == reason


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        (None, None),
        (VOLUME, None),
        ([OTHER, VOLUME], None),
        (OTHER, f"none of the volumes {OTHER} is there, their place was asked"),
        ("no id", "the hint same_host has to be volume ids"),
    ],
)
def test_the_place_of_a_named_volume_can_be_asked(hint, reason):
    assert filters.same_backend(asks(hints={"same_host": hint}, neighbours=THERE), pool("local")) == reason


@pytest.mark.parametrize(
    "query",
    [
        ["=", "$free_capacity_gb", 100],
        ["<", "$free_capacity_gb", 200, 300],
        [">", "$free_capacity_gb", 50],
        ["<=", "$free_capacity_gb", 100],
        [">=", "$free_capacity_gb", 100],
        ["in", "$backend_id", "x", "host@local#local"],
        ["not", ["=", "$free_capacity_gb", 1]],
        ["or", ["=", 1, 2], ["=", 1, 1]],
        ["and", [">=", "$free_capacity_gb", 1], ["=", "$host", "host@local#local"]],
        ["=", "$capabilities.qos.iops", 5],
        # what is missing is left out: nothing to compare with
        ["not", ["=", "$nothing", 5]],
        ["=", 1, 1, "$nothing"],
        '[">=", "$total_capacity_gb", 100]',
        "",
        [],
        "[]",
    ],
)
def test_a_query_that_is_true_passes_the_pool(query):
    assert filters.json_query(asks(hints={"query": query}), pool(qos={"iops": 5})) is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (["=", "$free_capacity_gb", 1], "the query ['=', '$free_capacity_gb', 1] is not true for it"),
        ("[", "the hint query cannot be read: it is not JSON"),
        (["~", 1], "the hint query cannot be read: '~' is none of = < > <= >= in not or and"),
        ([["="], 1], "the hint query cannot be read: ['='] is none of = < > <= >= in not or and"),
        (["<", "$host", 1], "the query ['<', '$host', 1] is not true for it"),
        (["="], "the query ['='] is not true for it"),
    ],
)
def test_a_query_that_is_not_true_says_so(query, reason):
    assert filters.json_query(asks(hints={"query": query}), pool()) == reason


@pytest.mark.parametrize("query", [{"op": "="}, 5, True, "5", [["not"]] * 30])
def test_a_query_that_is_no_list_of_this_kind_refuses_the_pool(query):
    assert filters.json_query(asks(hints={"query": query}), pool()).startswith("the hint query cannot be read")


def nested(query, depth):
    return query if depth == 0 else ["not", nested(query, depth - 1)]


def test_a_query_is_nested_only_so_deep():
    assert filters.json_query(asks(hints={"query": nested(["=", 1, 1], 200)}), pool()).endswith("20 deep")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["=", "<", "in", "not", "or", "$host", "$a.b", ""]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_query_has_an_answer_or_a_reason(query):
    with suppress(queries.QueryError):
        assert queries.holds(query, {"host": "h", "a": {"b": 1}}) in {True, False}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (None, None),
        ("stats.free_capacity_gb > volume.size", None),
        ("capabilities.total_capacity_gb == 100 and extra.tier == 'gold' and qos.iops < 10", None),
        ("1", None),
        ("0", "its filter_function '0' gives 0.0"),
        ("volume.size > 50", "its filter_function 'volume.size > 50' gives False"),
        ("'text'", "its filter_function \"'text'\" gives 'text'"),
        ("stats.gone", "its filter_function 'stats.gone' fails: stats.gone is not reported"),
        ("volume.size >", "its filter_function 'volume.size >' fails: it ends too early"),
        (7, None),
    ],
)
def test_a_pools_own_function_decides(function, reason):
    request = asks(5, extra_specs={"tier": "gold"}, qos={"iops": 5})
    assert filters.driver_function(request, pool(filter_function=function)) == reason
