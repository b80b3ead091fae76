"""Stories of volumes and snapshots."""

from tests.matrix.stage import Stage
from tests.matrix.stories import story
from volumes.models import Snapshot, Volume
from volumes.services.contents import extend_volume, revert_volume
from volumes.services.snapshots import create_snapshot, delete_snapshot
from volumes.services.volumes import create_volume, delete_volume
from volumes.sources import SnapshotSource, VolumeSource

VOLUME, SNAPSHOT = "volumes.volume", "volumes.snapshot"


@story(f"{VOLUME}.create")
def blank(stage: Stage) -> None:
    with stage.asking(f"{VOLUME}.create"):
        create_volume(caller=stage.caller, size_gib=1)


@story(f"{VOLUME}.create")
def from_a_snapshot(stage: Stage) -> None:
    snapshot = stage.snapshot(stage.volume(3))
    with stage.asking(f"{VOLUME}.create"):
        volume = create_volume(caller=stage.caller, size_gib=1, source=SnapshotSource(snapshot))
    assert not stage.is_well or stage.holds(_again(volume), 3)


@story(f"{VOLUME}.create")
def from_a_volume(stage: Stage) -> None:
    source = stage.volume(3)
    with stage.asking(f"{VOLUME}.create"):
        volume = create_volume(caller=stage.caller, size_gib=1, source=VolumeSource(source))
    assert not stage.is_well or stage.holds(_again(volume), 3)
    assert stage.holds(_again(source), 3)


@story(f"{VOLUME}.delete")
def one_with_nothing(stage: Stage) -> None:
    volume = stage.volume()
    with stage.asking(f"{VOLUME}.delete"):
        delete_volume(volume=volume, caller=stage.caller)


@story(f"{VOLUME}.delete")
def with_its_snapshots(stage: Stage) -> None:
    volume = stage.volume()
    for _number in range(2):
        stage.snapshot(volume)
    with stage.asking(f"{VOLUME}.delete"):
        delete_volume(volume=volume, caller=stage.caller, cascade=True)
    assert not stage.is_well or not stage.snapshots().exists()


@story(f"{VOLUME}.force_delete")
def by_force(stage: Stage) -> None:
    volume = stage.volume()
    with stage.asking(f"{VOLUME}.force_delete"):
        delete_volume(volume=volume, caller=stage.caller, force=True)


@story(f"{VOLUME}.extend")
def growing(stage: Stage) -> None:
    volume = stage.volume(3)
    with stage.asking(f"{VOLUME}.extend"):
        extend_volume(volume=volume, size_gib=2, caller=stage.caller)
    volume.refresh_from_db()
    assert (volume.size_gib, volume.growing_to_gib) == (2 if stage.is_well else 1, None)
    assert not stage.is_well or stage.holds(volume, 3)


@story(f"{VOLUME}.revert")
def back_to_a_snapshot(stage: Stage) -> None:
    volume = stage.volume(3)
    snapshot = stage.snapshot(volume)
    stage.write(volume, [3, 4], seed=2)
    with stage.asking(f"{VOLUME}.revert"):
        revert_volume(volume=volume, snapshot_id=snapshot.pk, caller=stage.caller)
    snapshot.refresh_from_db()
    assert snapshot.status == "available"
    assert not stage.is_well or stage.holds(_again(volume), 3)


@story(f"{SNAPSHOT}.create")
def taken(stage: Stage) -> None:
    volume = stage.volume(3)
    with stage.asking(f"{SNAPSHOT}.create"):
        create_snapshot(caller=stage.caller, volume=volume)
    assert _again(volume).status == "available"


@story(f"{SNAPSHOT}.delete")
def given_up(stage: Stage) -> None:
    snapshot = stage.snapshot(stage.volume())
    with stage.asking(f"{SNAPSHOT}.delete"):
        delete_snapshot(snapshot=snapshot, caller=stage.caller)


@story(f"{SNAPSHOT}.force_delete")
def given_up_by_force(stage: Stage) -> None:
    snapshot = stage.snapshot(stage.volume())
    Snapshot.objects.filter(pk=snapshot.pk).update(status="error_deleting")
    with stage.asking(f"{SNAPSHOT}.force_delete"):
        delete_snapshot(snapshot=snapshot, caller=stage.caller, force=True)


def _again(volume: Volume) -> Volume:
    volume.refresh_from_db()
    return volume
