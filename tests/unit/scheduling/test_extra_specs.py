"""Matching of extra specs, row by row as contract 07, section 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.extra_specs import mismatch, satisfies


@pytest.mark.parametrize(
    ("capability", "asked"),
    [
        ("ssd", "ssd"),
        ("two words", "two words"),
        (None, None),
        ("", ""),
        (5, "= 5"),
        (6, "= 5"),
        ("6.5", "= 5"),
        (5, "== 5.0"),
        (5, "!= 6"),
        (5, ">= 5"),
        (5, "<= 5"),
        ("a long text", "<in> long"),
        (True, "<is> True"),
        ("yes", "<is> on"),
        (False, "<is> no"),
        ("anything", "<is> false"),
        ("b", "<or> a <or> b"),
        ("a", "<or> a"),
        ("b", "s== b"),
        ("b", "s!= a"),
        ("a", "s< b"),
        ("b", "s<= b"),
        ("b", "s> a"),
        ("b", "s>= b"),
        (10, "s< 9"),
        # only the first word after the operator counts
        (5, "== 5 6"),
        ("b", "s== b c"),
    ],
)
def test_a_capability_satisfies(capability, asked):
    assert satisfies(capability, asked)


@pytest.mark.parametrize(
    ("capability", "asked"),
    [
        ("ssd", "hdd"),
        (True, "True"),
        (5, "5"),
        ("x", None),
        (None, "x"),
        (None, "<is> True"),
        (None, "<or> None"),
        (4, "= 5"),
        (5, "== 6"),
        (5, "!= 5"),
        (4, ">= 5"),
        (6, "<= 5"),
        ("many", ">= 5"),
        (5, ">= many"),
        (5, "=="),
        ("many", "!= 5"),
        ("a long text", "<in> short"),
        (5, "<in> 5"),
        (True, "<is> False"),
        ("maybe", "<is> True"),
        ("c", "<or> a <or> b"),
        ("<or>", "<or> a <or> b"),
        ("a", "<or>"),
        ("b", "s== c"),
        ("b", "s!= b"),
        # an unknown first word makes the whole a text to be equal to
        (5, "~= 5"),
        (5, "> 4"),
    ],
)
def test_a_capability_does_not_satisfy(capability, asked):
    assert not satisfies(capability, asked)


@pytest.mark.parametrize(
    ("specs", "capabilities"),
    [
        ({}, {}),
        ({"capabilities:volume_backend_name": "fast"}, {"volume_backend_name": "fast"}),
        ({"volume_backend_name": "fast"}, {"volume_backend_name": "fast"}),
        ({"capabilities:qos:max:iops": ">= 100"}, {"qos": {"max": {"iops": 200}}}),
        ({"RESKEY:availability_zones": "a", "provisioning:type": "thick", "vendor:x": "y"}, {}),
        ({"protocol": "iscsi"}, {"protocol": ["fc", "iscsi"]}),
        ({"protocol": "<in> iscsi"}, {"protocol": ["fc", "iscsi"]}),
        ({"multiattach": "<is> True"}, {"multiattach": True}),
        ({"empty": None}, {"empty": None}),
    ],
)
def test_a_pool_has_what_the_type_asks(specs, capabilities):
    assert mismatch(specs, capabilities) is None


@pytest.mark.parametrize(
    ("specs", "capabilities", "sentence"),
    [
        ({"ssd": "<is> True"}, {}, "the type asks for ssd '<is> True', which the pool does not report"),
        ({"empty": None}, {}, "the type asks for empty null, which the pool does not report"),
        (
            {"multiattach": "<is> True"},
            {"multiattach": False},
            "the type asks for multiattach '<is> True', the pool has False",
        ),
        (
            {"capabilities:qos:max": "5"},
            {"qos": "none"},
            "the type asks for capabilities:qos:max '5', which the pool does not report",
        ),
        (
            {"protocol": "nbd"},
            {"protocol": ["fc", "iscsi"]},
            "the type asks for protocol 'nbd', the pool has ['fc', 'iscsi']",
        ),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, "the type asks for b '2', the pool has '3'"),
    ],
)
def test_a_pool_that_lacks_something_says_what(specs, capabilities, sentence):
    assert mismatch(specs, capabilities) == sentence


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ASKED = st.none() | st.text(max_size=12) | st.tuples(
    st.sampled_from(["=", "==", "!=", ">=", "<=", "<in>", "<is>", "<or>", "s==", "s<", "~"]), st.text(max_size=8)
).map(" ".join)  # fmt: skip


@given(ANYTHING, ASKED)
def test_whatever_is_compared_there_is_an_answer(capability, asked):
    assert satisfies(capability, asked) in {True, False}
