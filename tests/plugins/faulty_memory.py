"""A volume driver for tests, installed as other people's are: the memory one, whose calls a test can let fail."""

from collections.abc import Mapping
from typing import Any, Self

from drivers.volume.memory import MemoryDriver
from tests.faults import FaultyDriver


class FaultyMemoryDriver(FaultyDriver):
    """The memory driver behind planned failures."""

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:  # type: ignore[override]
        return cls(MemoryDriver.from_settings(key, settings))
