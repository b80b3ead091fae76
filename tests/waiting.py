"""Waiting for a condition, with a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, within_s: float = 20) -> T:
    """Return the first truthy answer of `condition`. :raises AssertionError: naming `what`, if there is none."""
    end = time.monotonic() + within_s
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {within_s} s"
        time.sleep(0.02)
