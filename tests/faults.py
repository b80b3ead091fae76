"""A driver that refuses chosen calls of another one, as real storage does at the worst moments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from drivers.errors import DriverError
from drivers.types import BackendStats, ByteRange, ConnectionInfo, ExportRequest, Fence, SnapshotRef, Stored, VolumeRef
from drivers.volume.base import VolumeDriver


@dataclass
class Refusal:
    """One planned failure: `left` more times (None = always), before acting or, as a lost answer, after it."""

    error: DriverError
    left: int | None
    after_acting: bool


class FaultyDriver(VolumeDriver):
    """Passes every call on to `inner`, notes its name in `calls`, and fails where it was told to."""

    def __init__(self, inner: VolumeDriver) -> None:
        self.inner = inner
        self.key = inner.key
        self.capabilities = inner.capabilities
        self.calls: list[str] = []
        self._refusals: dict[str, Refusal] = {}

    def refuse(self, call: str, error: DriverError, *, times: int | None = None, after_acting: bool = False) -> None:
        """Let `call` fail with `error` from now on, `times` times or always."""
        if call.startswith("_") or not callable(getattr(VolumeDriver, call, None)):
            raise ValueError(f"drivers have no call {call!r}")
        self._refusals[call] = Refusal(error, times, after_acting)

    def heal(self) -> None:
        """Refuse nothing any more."""
        self._refusals.clear()

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> NoReturn:
        raise NotImplementedError("wrap a driver that was made from settings")

    def check(self) -> None:
        self._pass_on("check")

    def create_volume(self, ref: VolumeRef, fence: Fence) -> None:
        self._pass_on("create_volume", ref, fence)

    def delete_volume(self, ref: VolumeRef, fence: Fence) -> None:
        self._pass_on("delete_volume", ref, fence)

    def extend_volume(self, ref: VolumeRef, new_size_gib: int, fence: Fence) -> None:
        self._pass_on("extend_volume", ref, new_size_gib, fence)

    def export(self, ref: VolumeRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        return self._pass_on("export", ref, request, fence)

    def unexport(self, ref: VolumeRef, attachment_id: str, fence: Fence) -> None:
        self._pass_on("unexport", ref, attachment_id, fence)

    def exports(self, ref: VolumeRef) -> frozenset[str]:
        return self._pass_on("exports", ref)

    def stats(self) -> BackendStats:
        return self._pass_on("stats")

    def list_volumes(self) -> Iterator[VolumeRef]:
        yield from self._pass_on("list_volumes")

    def stop_exports(self) -> None:
        self._pass_on("stop_exports")

    def create_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_on("create_snapshot", snapshot, fence)

    def delete_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_on("delete_snapshot", snapshot, fence)

    def create_volume_from_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_on("create_volume_from_snapshot", ref, snapshot, fence)

    def clone_volume(self, ref: VolumeRef, source: VolumeRef, fence: Fence) -> None:
        self._pass_on("clone_volume", ref, source, fence)

    def revert_to_snapshot(self, ref: VolumeRef, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_on("revert_to_snapshot", ref, snapshot, fence)

    def list_snapshots(self) -> Iterator[SnapshotRef]:
        yield from self._pass_on("list_snapshots")

    def export_snapshot(self, snapshot: SnapshotRef, request: ExportRequest, fence: Fence) -> ConnectionInfo:
        return self._pass_on("export_snapshot", snapshot, request, fence)

    def unexport_snapshot(self, snapshot: SnapshotRef, attachment_id: str, fence: Fence) -> None:
        self._pass_on("unexport_snapshot", snapshot, attachment_id, fence)

    def changed_ranges(self, snapshot: SnapshotRef, since: SnapshotRef) -> Iterator[ByteRange] | None:
        return self._pass_on("changed_ranges", snapshot, since)

    def create_snapshots(self, snapshots: Sequence[SnapshotRef], fence: Fence) -> None:
        self._pass_on("create_snapshots", snapshots, fence)

    def clone_volumes(self, copies: Sequence[tuple[VolumeRef, VolumeRef]], fence: Fence) -> None:
        self._pass_on("clone_volumes", copies, fence)

    def stored_volumes(self) -> Iterator[Stored]:
        yield from self._pass_on("stored_volumes")

    def manage_volume(self, ref: VolumeRef, name: str, fence: Fence) -> VolumeRef:
        return self._pass_on("manage_volume", ref, name, fence)

    def unmanage_volume(self, ref: VolumeRef, fence: Fence) -> None:
        self._pass_on("unmanage_volume", ref, fence)

    def stored_snapshots(self) -> Iterator[Stored]:
        yield from self._pass_on("stored_snapshots")

    def manage_snapshot(self, volume: VolumeRef, name: str, fence: Fence) -> SnapshotRef:
        return self._pass_on("manage_snapshot", volume, name, fence)

    def unmanage_snapshot(self, snapshot: SnapshotRef, fence: Fence) -> None:
        self._pass_on("unmanage_snapshot", snapshot, fence)

    def _pass_on(self, call: str, *arguments: Any) -> Any:
        self.calls.append(call)
        refusal = self._refusals.get(call)
        if refusal is None or refusal.left == 0:
            return getattr(self.inner, call)(*arguments)
        if refusal.left is not None:
            refusal.left -= 1
        if refusal.after_acting:
            getattr(self.inner, call)(*arguments)
        raise refusal.error
