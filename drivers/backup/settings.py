"""Reading one backup target's entry of the settings."""

from collections.abc import Mapping
from typing import Any

from drivers.entries import Entries

SERVICE_ENTRIES = frozenset({"driver", "max_mib_per_s"})
"""Entries that are read before a target is made: every target passes over them."""


class TargetEntries(Entries):
    """The settings of backup target `key`; complaints name the target. Used like `Entries`."""

    def __init__(self, key: str, settings: Mapping[str, Any]) -> None:
        own = {name: value for name, value in settings.items() if name not in SERVICE_ENTRIES}
        super().__init__(key, own, of="Backup target")
