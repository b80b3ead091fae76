"""A volume driver for tests, installed as other people's are: the local one behind gates that a test opens.

Each create_volume tells that it has come (a file `<volume>.<claim>.entered`), then waits until the test lets it
through (`<volume>.<claim>.open`, or `open` for everybody).
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from drivers.types import Fence, VolumeRef
from drivers.volume.local import LocalDriver

LONGEST_WAIT_S = 60


class GatedDriver(LocalDriver):
    """The local driver, whose volumes are made only when the test says so."""

    gates: Path

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        own = dict(settings)
        gates = Path(own.pop("gates"))
        made = super().from_settings(key, own)
        made.gates = gates
        return made

    def create_volume(self, ref: VolumeRef, fence: Fence) -> None:
        name = f"{ref.id}.{fence.claim}"
        (self.gates / f"{name}.entered").touch()
        until = time.monotonic() + LONGEST_WAIT_S
        while not ((self.gates / f"{name}.open").exists() or (self.gates / "open").exists()):
            if time.monotonic() > until:
                raise TimeoutError(f"the test never opened the gate of {name}")
            time.sleep(0.02)
        try:
            super().create_volume(ref, fence)
        except Exception as error:
            (self.gates / f"{name}.{type(error).__name__}").touch()
            raise
        (self.gates / f"{name}.made").touch()
