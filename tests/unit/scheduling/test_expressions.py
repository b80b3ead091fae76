"""The language of filter and goodness functions."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.expressions import MAX_DEPTH, MAX_TOKENS, ExpressionError, evaluate

SCOPE = {
    "stats": {"free_capacity_gb": 60, "total_capacity_gb": 100, "host": "h@b#p", "is_thin": True, "nothing": None},
    "capabilities": {"max_over_subscription_ratio": "2.5", "free": "infinite", "nested": {"deep": 3}},
    "volume": {"size": 5},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("8 / 4 / 2", 1),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("+1 - -1", 2),
        (".5 + 1e2 + 1.", 101.5),
        ("1 < 2", True),
        ("2 <= 1", False),
        ("2 > 1", True),
        ("2 >= 3", False),
        ("1 == 1.0", True),
        ("1 != 1", False),
        ("1 <> 2", True),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("'a' == \"a\"", True),
        ("'a' < 'b'", True),
        ("'a' == 1", False),
        ("1 < 2 and 2 < 3", True),
        ("1 < 2 && 3 < 2", False),
        ("3 < 2 or 1", True),
        ("3 < 2 || 0", False),
        ("1 or 0 and 0", True),
        ("not 1 < 2", False),
        ("!0", True),
        ("!(1 < 2) || 2 < 3", True),
        ("1 < 2 ? 10 : 20", 10),
        ("0 ? 1 : 0 ? 2 : 3", 3),
        ("1 ? 5 : 1 / 0", 5),
        ("0 and 1 / 0", False),
        ("1 or 1 / 0", True),
        ("abs(-3)", 3),
        ("max(1, 2, 3) - min(4, 2)", 1),
        ("stats.free_capacity_gb / stats.total_capacity_gb * 100", 60),
        ("capabilities.max_over_subscription_ratio * 2", 5),
        ("capabilities.free == 'infinite'", True),
        ("capabilities.nested.deep", 3),
        ("stats.host == 'h@b#p'", True),
        ("stats.is_thin and volume.size < 10", True),
    ],
)
def test_an_expression_has_the_value_of_the_grammar(expression, value):
    assert evaluate(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "it ends too early"),
        ("1 +", "it ends too early"),
        ("(1", "')' is missing before 'the end'"),
        ("1 2", "'2' is not expected there"),
        ("* 2", "'*' needs something before it"),
        ("1 ? 2", "':' is missing before 'the end'"),
        ("a = 1", "not understood from here on: ' = 1'"),
        ("open('x')", "there is no function open; there are abs, max, min"),
        ("__import__('os')", "there is no function __import__; there are abs, max, min"),
        ("volume.__class__", "volume.__class__ is not reported"),
        ("stats.missing > 1", "stats.missing is not reported"),
        ("stats.host.upper", "stats.host.upper is not reported"),
        ("stats", "stats is neither text nor number nor true or false"),
        ("stats.nothing", "stats.nothing is neither text nor number nor true or false"),
        ("abs(1, 2)", "abs takes one number"),
        ("1 / 0", "1 / 0 cannot be computed"),
        ("9 ^ 9 ^ 9", "9 ^ 3.8742e+08 cannot be computed"),
        ("(-8) ^ 0.5", "the result is no finite number"),
        ("1e999", "the result is no finite number"),
        ("1e308 * 10", "the result is no finite number"),
        ("capabilities.free > 1", "'infinite' and 1.0 cannot be ordered"),
        ("'a' + 'b'", "'a' is no number"),
        ("'a' * 9", "'a' is no number"),
        ("stats.is_thin + 1", "True is no number"),
        ("not 'a'", "'a' is neither true nor false"),
        ("1" + "+1" * MAX_TOKENS, f"longer than {MAX_TOKENS} words"),
        ("(" * (MAX_DEPTH + 1), f"nested more than {MAX_DEPTH} deep"),
        ("-" * (MAX_DEPTH + 1), f"nested more than {MAX_DEPTH} deep"),
        ("1 ? " * (MAX_DEPTH + 1), f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_an_expression_that_cannot_be_computed_says_why(expression, reason):
    with pytest.raises(ExpressionError) as refused:
        evaluate(expression, SCOPE)
    assert str(refused.value) == reason


WORDS = st.sampled_from(
    ["1", "2.5", "9", "'a'", "stats.free_capacity_gb", "volume.size", "volume.x", "abs(", "max(", "(", ")", ",", "+",
     "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "<>", "and", "or", "not", "&&", "||", "!", "?", ":"]
)  # fmt: skip


def outcome(expression):
    try:
        return evaluate(expression, SCOPE)
    except ExpressionError as error:
        return error


@given(st.text() | st.text(alphabet=string.printable) | st.lists(WORDS, max_size=400).map(" ".join))
def test_any_text_has_a_value_or_a_reason(expression):
    assert isinstance(outcome(expression), float | bool | str | ExpressionError)


NUMBERS = st.integers(0, 20).map(str)
FORMULAS = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "<", "<=", "==", "!="]), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=20,
)


@given(FORMULAS)
def test_arithmetic_agrees_with_pythons_own(formula):
    result = outcome(formula)
    if not isinstance(result, ExpressionError):
        assert result == eval(formula, {"__builtins__": {}})  # noqa: S307 (the formula is made of digits and signs)
