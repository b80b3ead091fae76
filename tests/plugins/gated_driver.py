"""A volume driver for tests, installed as other people's are: the local one behind gates that a test opens.

Each create_volume tells that it has come (a file `<volume>.<claim>.entered`), then waits until the test lets it
through (`<volume>.<claim>.open`, or `open` for everybody). Other calls do so where a test has closed their gate (a
file `closed.<call>`): with the call's name before the claim.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from drivers.types import ConnectionInfo, ExportRequest, Fence, SnapshotRef, VolumeRef
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
        self._pass_gate(name)
        try:
            super().create_volume(ref, fence)
        except Exception as error:
            (self.gates / f"{name}.{type(error).__name__}").touch()
            raise
        (self.gates / f"{name}.made").touch()

    def create_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_gate_of("create_snapshot", fence)
        super().create_snapshot(snapshot, fence)
        self._pass_gate_of("after_create_snapshot", fence)

    def export(self, ref: VolumeRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        self._pass_gate_of("export", fence)
        info = super().export(ref, request, fence)
        self._pass_gate_of("after_export", fence)
        return info

    def unexport(self, ref: VolumeRef, attachment_id: str, fence: Fence) -> None:
        self._pass_gate_of("unexport", fence)
        super().unexport(ref, attachment_id, fence)
        self._pass_gate_of("after_unexport", fence)

    def _pass_gate_of(self, call: str, fence: Fence) -> None:
        if (self.gates / f"closed.{call}").exists():
            self._pass_gate(f"{call}.{fence.claim}")

    def _pass_gate(self, name: str) -> None:
        (self.gates / f"{name}.entered").touch()
        until = time.monotonic() + LONGEST_WAIT_S
        while not ((self.gates / f"{name}.open").exists() or (self.gates / "open").exists()):
            if time.monotonic() > until:
                raise TimeoutError(f"the test never opened the gate of {name}")
            time.sleep(0.02)
