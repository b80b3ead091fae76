"""Stories of what is on a storage: looked at, taken over, given up with its data kept."""

from django.db import transaction

from storage_site.operations.admission import begin
from storage_site.operations.heartbeat import host_of
from tests.matrix.stage import Stage
from tests.matrix.stories import story
from volumes.models import Snapshot, Survey, Volume
from volumes.services import managing

VOLUME, SNAPSHOT = "volumes.volume", "volumes.snapshot"


def _given_up(stage: Stage, row: Volume | Snapshot) -> None:
    """Give a volume or a snapshot up."""
    stage.keep(row)
    if isinstance(row, Volume):
        managing.unmanage_volume(volume=row, caller=stage.caller)
    else:
        managing.unmanage_snapshot(snapshot=row, caller=stage.caller)


@story(f"{VOLUME}.unmanage")
def a_volume_given_up(stage: Stage) -> None:
    volume = stage.volume(3)
    with stage.asking(f"{VOLUME}.unmanage"):
        _given_up(stage, volume)
    assert volume.ref().id in {ref.id for ref in stage.driver_of(volume).list_volumes()}


@story(f"{VOLUME}.manage")
def a_volume_taken_over(stage: Stage) -> None:
    given_up = stage.volume(3)
    name = given_up.ref().name
    _given_up(stage, given_up)
    stage.settle()
    with stage.asking(f"{VOLUME}.manage"):
        volume = managing.manage_volume(caller=stage.caller, host=host_of(given_up.backend), reference=name)
    volume.refresh_from_db()
    assert not stage.is_well or (volume.size_gib, stage.holds(volume, 3)) == (1, True)


@story(f"{SNAPSHOT}.unmanage")
def a_snapshot_given_up(stage: Stage) -> None:
    snapshot = stage.snapshot(stage.volume(3))
    with stage.asking(f"{SNAPSHOT}.unmanage"):
        _given_up(stage, snapshot)
    assert snapshot.ref().id in {ref.id for ref in stage.driver_of(snapshot.volume).list_snapshots()}


@story(f"{SNAPSHOT}.manage")
def a_snapshot_taken_over(stage: Stage) -> None:
    volume = stage.volume(3)
    given_up = stage.snapshot(volume)
    ref = given_up.ref()
    _given_up(stage, given_up)
    stage.settle()
    snapshot = Snapshot(
        project_id=stage.project_id, user_id="1" * 32, volume=volume, size_gib=1, name_id=ref.id, status="creating"
    )
    with stage.asking(f"{SNAPSHOT}.manage"), transaction.atomic():
        begin(snapshot, "manage", caller=stage.caller, arguments={"reference": ref.name})


@story("volumes.survey.take")
def all_that_there_is(stage: Stage) -> None:
    volume = stage.volume()
    wanted = Survey(project_id=stage.project_id, backend=volume.backend, kind=Survey.VOLUMES)
    with stage.asking("volumes.survey.take"), transaction.atomic():
        begin(wanted, "take", caller=stage.caller)
    wanted.refresh_from_db()
    rows = {entry["row"] for entry in wanted.found}
    assert not stage.is_well or str(volume.pk) in rows
