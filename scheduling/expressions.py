"""The little language of filter and goodness functions (contract 07, section 3), parsed and computed here.

Nothing is executed. It is a Pratt parser: each operator has a binding power, and a formula becomes nested
closures. Numbers are floats, so no formula can grow a number without bound; its length and nesting are bounded
as well.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

Value = float | str | bool
Scope = Mapping[str, Any]
Formula = Callable[[Scope], Value]

MAX_TOKENS = 300
MAX_DEPTH = 40

TERNARY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER = range(1, 10)
WORDS = {"and": "&&", "or": "||", "not": "!", "<>": "!="}
POWERS = {"?": TERNARY, "||": OR, "&&": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC: dict[str, Callable[[float, float], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
FUNCTIONS: dict[str, Callable[[Sequence[float]], float]] = {"abs": lambda given: abs(given[0]), "max": max, "min": min}
TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
        |(?P<text>"[^"]*"|'[^']*')
        |(?P<name>[A-Za-z_]\w*(?:\.\w+)*)
        |(?P<mark><=|>=|==|!=|<>|&&|\|\||[-+*/^<>!?:(),])
        |(?P<end>$))""",
    re.VERBOSE | re.ASCII,
)


class ExpressionError(Exception):
    """The expression cannot be understood, or not be computed with what the pool reports."""


class Token(NamedTuple):
    """A word of the language; `kind` is number, text, name, mark or end."""

    kind: str
    text: str


def evaluate(expression: str, scope: Scope) -> Value:
    """Compute `expression`; a name like stats.free_capacity_gb is looked up in `scope`.

    :raises ExpressionError: if it is malformed, names something unknown, or cannot be computed.
    """
    return parse(expression)(scope)


@lru_cache(maxsize=128)
def parse(expression: str) -> Formula:
    """Turn `expression` into something that computes its value. :raises ExpressionError: if it is malformed."""
    return _Parser(_tokens(expression)).whole()


def _tokens(expression: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    while not found or found[-1].kind != "end":
        match = TOKEN.match(expression, position)
        if match is None:
            raise ExpressionError(f"not understood from here on: {expression[position : position + 20]!r}")
        if len(found) > MAX_TOKENS:
            raise ExpressionError(f"longer than {MAX_TOKENS} words")
        kind = str(match.lastgroup)
        text = match.group(kind)
        found.append(Token("mark", WORDS[text]) if text in WORDS else Token(kind, text))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0

    def whole(self) -> Formula:
        formula = self.formula()
        if self.ahead.kind != "end":
            raise ExpressionError(f"{self.ahead.text!r} is not expected there")
        return formula

    @property
    def ahead(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.ahead
        self.position += 1
        return token

    def demand(self, mark: str) -> None:
        if self.ahead != Token("mark", mark):
            raise ExpressionError(f"{mark!r} is missing before {self.ahead.text or 'the end'!r}")
        self.position += 1

    def formula(self, binding: int = 0) -> Formula:
        """Read a formula as long as its operators bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep")
        left = self.operand()
        while (power := _power(self.ahead)) > binding:
            left = self.joined(left, power)
        self.depth -= 1
        return left

    def operand(self) -> Formula:
        token = self.next()
        if token.kind == "number":
            return _constant(_finite(float(token.text)))
        if token.kind == "text":
            return _constant(token.text[1:-1])
        if token.kind == "name":
            return self.call(token.text) if self.ahead == Token("mark", "(") else _variable(token.text)
        if token.kind == "mark":
            return self.prefixed(token.text)
        raise ExpressionError("it ends too early")

    def prefixed(self, mark: str) -> Formula:
        if mark == "(":
            inner = self.formula()
            self.demand(")")
            return inner
        if mark == "!":
            inner = self.formula(NOT)
            return lambda scope: not _truth(inner(scope))
        if mark in {"-", "+"}:
            inner, sign = self.formula(SIGN), -1.0 if mark == "-" else 1.0
            return lambda scope: sign * _number(inner(scope))
        raise ExpressionError(f"{mark!r} needs something before it")

    def call(self, name: str) -> Formula:
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"there is no function {name}; there are {', '.join(FUNCTIONS)}")
        self.demand("(")
        arguments = [self.formula()]
        while self.ahead == Token("mark", ","):
            self.next()
            arguments.append(self.formula())
        self.demand(")")
        if name == "abs" and len(arguments) != 1:
            raise ExpressionError("abs takes one number")
        return lambda scope: function([_number(argument(scope)) for argument in arguments])

    def joined(self, left: Formula, power: int) -> Formula:
        if power == COMPARISON:
            return self.compared(left)
        mark = self.next().text
        if power == TERNARY:
            return self.chosen(left)
        # The power sign binds to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
        right = self.formula(power - 1 if power == POWER else power)
        if power == AND:
            return lambda scope: _truth(left(scope)) and _truth(right(scope))
        if power == OR:
            return lambda scope: _truth(left(scope)) or _truth(right(scope))
        return lambda scope: _computed(mark, _number(left(scope)), _number(right(scope)))

    def chosen(self, condition: Formula) -> Formula:
        yes = self.formula()
        self.demand(":")
        no = self.formula(TERNARY - 1)
        return lambda scope: yes(scope) if _truth(condition(scope)) else no(scope)

    def compared(self, left: Formula) -> Formula:
        """Read a chain of comparisons, all of which have to hold: 1 < 2 < 3."""
        chain: list[tuple[str, Formula]] = []
        while _power(self.ahead) == COMPARISON:
            mark = self.next().text
            chain.append((mark, self.formula(COMPARISON)))

        def holds(scope: Scope) -> Value:
            one = left(scope)
            for mark, right in chain:
                other = right(scope)
                if not _compare(mark, one, other):
                    return False
                one = other
            return True

        return holds


def _power(token: Token) -> int:
    if token.kind != "mark":
        return 0
    return COMPARISON if token.text in COMPARISONS else POWERS.get(token.text, 0)


def _constant(value: Value) -> Formula:
    return lambda _scope: value


def _variable(name: str) -> Formula:
    def look_up(scope: Scope) -> Value:
        found: Any = scope
        for part in name.split("."):
            if not isinstance(found, Mapping) or part not in found:
                raise ExpressionError(f"{name} is not reported")
            found = found[part]
        return _value(name, found)

    return look_up


def _value(name: str, found: object) -> Value:
    """Return a reported value; text that reads as a number counts as one."""
    if isinstance(found, bool):
        return found
    if isinstance(found, int | float | str):
        try:
            number = float(found)
        except (ValueError, OverflowError):
            return str(found)
        return number if isfinite(number) else str(found)
    raise ExpressionError(f"{name} is neither text nor number nor true or false")


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, float):
        raise ExpressionError(f"{value!r} is no number")
    return value


def _truth(value: Value) -> bool:
    if isinstance(value, str):
        raise ExpressionError(f"{value!r} is neither true nor false")
    return bool(value)


def _finite(value: Any) -> float:
    if not isinstance(value, float) or not isfinite(value):
        raise ExpressionError("the result is no finite number")
    return value


def _computed(mark: str, left: float, right: float) -> float:
    try:
        return _finite(ARITHMETIC[mark](left, right))
    except (ZeroDivisionError, OverflowError) as error:
        raise ExpressionError(f"{left:g} {mark} {right:g} cannot be computed") from error


def _compare(mark: str, left: Value, right: Value) -> bool:
    if mark not in {"==", "!="} and type(left) is not type(right):
        raise ExpressionError(f"{left!r} and {right!r} cannot be ordered")
    return COMPARISONS[mark](left, right)
