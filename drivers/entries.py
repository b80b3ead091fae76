"""Reading one back-end's or target's settings, with every complaint naming the back-end and the entry."""

import re
from collections.abc import Mapping
from typing import Any

from drivers.errors import InvalidConfiguration

SERVICE_ENTRIES = frozenset({"driver", "host", "zone", "volume_backend_name"})
"""Entries that belong to the service: every driver passes over them."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class Entries:
    """The settings of back-end `key`, of which each entry is asked for once; `finish` complains about the rest.

    :raises InvalidConfiguration: if the key cannot be part of file and queue names.
    """

    def __init__(self, key: str, settings: Mapping[str, Any], *, of: str = "Back-end") -> None:
        self._of = of
        if not _KEY.fullmatch(key):
            raise InvalidConfiguration(f"{of} {key!r}: a key is 1 to 64 letters, digits, hyphens, underscores")
        self._key = key
        self._left = {name: value for name, value in settings.items() if name not in SERVICE_ENTRIES}

    def text(self, name: str, default: str | None = None) -> str:
        """Return entry `name`. :raises InvalidConfiguration: if it is no text, or absent without a default."""
        value = self._left.pop(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.wrong(name, "must be a text that is not empty")
        return value

    def number(self, name: str, default: float, *, minimum: float, maximum: float = float("inf")) -> float:
        """Return entry `name`. :raises InvalidConfiguration: if it is no number from `minimum` to `maximum`."""
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            limits = f"from {minimum:g} to {maximum:g}" if maximum < float("inf") else f"of at least {minimum:g}"
            raise self.wrong(name, f"must be a number {limits}, not {value!r}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return entry `name`. :raises InvalidConfiguration: if it is neither true nor false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, f"must be true or false, not {value!r}")
        return value

    def finish(self) -> None:
        """Complain about entries nobody asked for. :raises InvalidConfiguration: if there are any."""
        if self._left:
            raise self.wrong(", ".join(sorted(self._left)), "not known to this driver")

    def wrong(self, name: str, complaint: str) -> InvalidConfiguration:
        """Return the complaint about entry `name`, ready to be raised."""
        return InvalidConfiguration(f"{self._of} {self._key!r}, entry {name!r}: {complaint}")
