"""The system check of the scheduler's settings."""

from typing import Any

from django.core.checks import CheckMessage, Error

from scheduling.algorithm import problems


def check_algorithm(**_kwargs: Any) -> list[CheckMessage]:
    """Return an error for each filter, weigher or multiplier that the settings name and nobody knows."""
    return [Error(problem, id="scheduling.E001") for problem in problems()]
