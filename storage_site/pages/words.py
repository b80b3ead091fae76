"""Small pieces of HTML: states as badges, moments as ages, tables of values; whatever they are given is escaped."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

OK, BUSY, WAIT, BAD, IDLE = "ok", "busy", "wait", "bad", "idle"  # tones
NOTHING = "-"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_STEP, _SIZES = 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def badge(word: str, tone: str = IDLE) -> SafeString:
    """Return a word in a coloured frame."""
    return format_html('<span class="badge badge-{}">{}</span>', tone, word)


def tone_of_status(status: str) -> str:
    """Return the tone of a resource's status, by what its words have in common."""
    if status.startswith("error"):
        return BAD
    if status in {"available", "in-use", "attached"}:
        return OK
    return BUSY if status.endswith("ing") else IDLE


def duration(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    return next((f"{seconds // size} {unit}" for size, unit in _UNITS if seconds >= size), f"{seconds} s")


def amount(number: int) -> str:
    """Return a number of bytes in its largest unit."""
    size, unit = float(number), 0
    while size >= _STEP and unit < len(_SIZES) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.1f} {_SIZES[unit]}" if unit else f"{number} {_SIZES[0]}"


def ago(moment: datetime | None) -> SafeString | str:
    """Return how long ago `moment` was; the moment itself shows under the pointer."""
    if moment is None:
        return NOTHING
    past = timezone.now() - moment
    words = f"{duration(past)} ago" if past >= timedelta(0) else f"in {duration(-past)}"
    shown = date_format(timezone.localtime(moment), "Y-m-d H:i:s e")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), shown, words)


def link(url: str, text: object) -> SafeString:
    """Return a link."""
    return format_html('<a href="{}">{}</a>', url, text)


def arrow(before: object, after: object) -> SafeString:
    """Return a change."""
    return format_html("{} → {}", before, after)


def short_id(full: object) -> SafeString | str:
    """Return the beginning of an id; all of it shows under the pointer."""
    return format_html('<code title="{}">{}…</code>', full, str(full)[:8]) if full else NOTHING


def two_lines(first: object, second: object) -> SafeString:
    """Return one thing above another."""
    return format_html("{}<br>{}", first, second)


def as_json(value: Any) -> SafeString | str:
    """Return a JSON value laid out for reading."""
    if not value:
        return NOTHING
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False, default=str))


def members(values: Mapping[str, Any]) -> SafeString | str:
    """Return a small table of names and values."""
    if not values:
        return NOTHING
    rows = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", sorted(values.items()))
    return format_html('<table class="members">{}</table>', rows)
