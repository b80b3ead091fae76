"""What moves while an operation is looked at: its badge, its bar and its reason, which the console's script renews.

Each is a small piece of HTML that says all it has to say without a script as well.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from storage_site.operations.models import Operation
from storage_site.operations.standing import pace_of, standing_of
from storage_site.pages import words
from storage_site.pages.words import amount, duration

MOST = 100  # operations that one look renews


def badge(operation: Operation) -> SafeString:
    """Return how the operation stands, as a badge."""
    standing = standing_of(operation)
    return _renewed(operation, "badge", words.badge(standing.word, standing.tone))


def bar(operation: Operation) -> SafeString:
    """Return how far the operation is; nothing is seen of it where that is not measured."""
    measured = format_html('<span class="measure">{}</span>', measure(operation))
    if operation.is_finished:
        return measured
    drawn = format_html('<progress max="100" value="{}"></progress> {}', operation.percent, measured)
    return _renewed(operation, "bar", format_html('<span class="progress"{}>{}</span>', _hidden(operation), drawn))


def reason(operation: Operation) -> SafeString:
    """Return why the operation stands as it does."""
    return _renewed(operation, "reason", format_html('<span class="reason">{}</span>', standing_of(operation).reason))


def measure(operation: Operation) -> str:
    """Return how far the operation is in numbers: percent, bytes, rate and time left; "" where nothing is measured."""
    if not _is_measured(operation):
        return ""
    told = [f"{operation.percent} %"]
    if operation.bytes_total:
        told.append(f"{amount(operation.bytes_done)} of {amount(operation.bytes_total)}")
    rate, left = pace_of(operation)
    if rate:
        told.append(f"{amount(rate)}/s")
    if left is not None:
        told.append(f"{duration(timedelta(seconds=left))} left")
    return ", ".join(told)


def states_of(operations: Iterable[Operation]) -> dict[str, dict[str, Any]]:
    """Return what the script writes into the pieces of each operation, by its serial."""
    return {str(operation.pk): _state(operation) for operation in operations}


def _state(operation: Operation) -> dict[str, Any]:
    standing = standing_of(operation)
    return {
        "word": standing.word,
        "tone": standing.tone,
        "reason": standing.reason,
        "percent": operation.percent,
        "measure": measure(operation),
        "is_finished": operation.is_finished,
    }


def _is_measured(operation: Operation) -> bool:
    return bool(operation.percent or operation.bytes_total)


def _hidden(operation: Operation) -> SafeString:
    return SafeString("" if _is_measured(operation) else " hidden")


def _renewed(operation: Operation, part: str, html: SafeString) -> SafeString:
    """Mark a piece as one that the script renews, until the operation has ended."""
    if operation.is_finished:
        return html
    return format_html('<span data-operation="{}" data-part="{}">{}</span>', operation.pk, part, html)
