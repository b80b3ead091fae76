"""Taking over what is on the storage, giving it up with its data kept, and looking what there is."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from drivers.types import SnapshotRef, Stored, VolumeRef, id_in
from storage_site.errors import OverLimit
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends, quotas
from volumes.models import Snapshot, Survey, Volume


def take_over(op: Claimed, volume: Volume) -> None:
    """Have the back-end take over what the reference names, and give the volume its size.

    :raises PermanentFailure: if that is a volume already, or a quota does not allow it.
    """
    name = op.operation.arguments["reference"]
    known = id_in(name)
    if known and _is_volume(volume, known):
        raise PermanentFailure("already-managed", f"{name} is a volume already.")
    driver = backends.driver(volume.backend)
    wanted = VolumeRef(str(volume.pk), max(volume.size_gib, 1), volume.project_id)
    found = op.step("taken over", driver.manage_volume, wanted, name)
    fields = {
        "size_gib": found.size_gib,
        "name_id": None if found.id == str(volume.pk) else UUID(found.id),
        "launched_at": timezone.now(),
    }
    op.finish(also=partial(_require_room, volume), **fields)


def give_up(op: Claimed, volume: Volume) -> None:
    """Have the back-end shut everybody out, and forget the volume; what was kept of it for backups goes."""
    driver = backends.driver(volume.backend)
    for snapshot in volume.snapshots.filter(is_listed=False).select_related("volume"):
        op.step("removed snapshot", driver.delete_snapshot, snapshot.ref())
    op.step("given up", driver.unmanage_volume, volume.ref())
    op.finish()


def take_over_snapshot(op: Claimed, snapshot: Snapshot) -> None:
    """Have the back-end take over the snapshot that the reference names."""
    volume = snapshot.volume
    driver = backends.driver(volume.backend)
    found: SnapshotRef = op.step(
        "taken over", driver.manage_snapshot, volume.ref(), op.operation.arguments["reference"]
    )
    op.finish(size_gib=found.size_gib)


def give_up_snapshot(op: Claimed, snapshot: Snapshot) -> None:
    """Have the back-end shut everybody out, and forget the snapshot."""
    op.step("given up", backends.driver(snapshot.volume.backend).unmanage_snapshot, snapshot.ref())
    op.finish()


def survey(op: Claimed, wanted: Survey) -> None:
    """Write down what there is, and what of it is ours."""
    driver = backends.driver(wanted.backend)
    if wanted.kind == Survey.SNAPSHOTS:
        op.finish(
            found=list(_entries(driver.stored_snapshots(), _snapshots_of(wanted.backend), _volumes_of(wanted.backend)))
        )
    else:
        op.finish(found=list(_entries(driver.stored_volumes(), _volumes_of(wanted.backend), {})))


def _entries(stored: Iterator[Stored], ours: Mapping[str, str], volumes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what answers tell of each thing; `ours` and `volumes` are ids by those that are part of names."""
    for one in stored:
        row = ours.get(one.stored_as, "")
        yield {
            "name": one.name,
            "size_gib": one.size_gib,
            "row": row,
            "volume": volumes.get(one.of, ""),
            "of": f"volume-{one.of}" if one.of else "",
            "obstacle": "already managed" if row else one.obstacle,
        }


def _volumes_of(backend: str) -> dict[str, str]:
    rows = Volume.objects.filter(backend=backend).values_list("pk", "name_id")
    return {str(name_id or pk): str(pk) for pk, name_id in rows}


def _snapshots_of(backend: str) -> dict[str, str]:
    rows = Snapshot.objects.filter(volume__backend=backend).values_list("pk", "name_id")
    return {str(name_id or pk): str(pk) for pk, name_id in rows}


def _is_volume(volume: Volume, stored_as: str) -> bool:
    """Tell whether another row has this storage."""
    others = Volume.objects.filter(backend=volume.backend).exclude(pk=volume.pk)
    return others.filter(Q(name_id=stored_as) | Q(pk=stored_as, name_id=None)).exists()


def _require_room(volume: Volume) -> None:
    """Make sure that the project may have a volume as large as it has turned out to be.

    :raises PermanentFailure: if not; nothing is written then.
    """
    now = Volume.objects.select_related("volume_type").get(pk=volume.pk)
    try:
        quotas.admit_received(project_id=now.project_id, volume=now)
    except OverLimit as error:
        raise PermanentFailure("over-limit", error.message) from error
