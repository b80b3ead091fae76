"""Stories of groups of volumes."""

from tests.matrix.stage import Stage
from tests.matrix.stories import story
from volumes.models import Group, GroupSnapshot, GroupType, VolumeType
from volumes.services.group_snapshots import create_group_snapshot, delete_group_snapshot
from volumes.services.group_sources import create_group_from_group, create_group_from_snapshot
from volumes.services.groups import create_group, delete_group
from volumes.services.volumes import create_volume

GROUP, KEPT = "volumes.group", "volumes.groupsnapshot"


def _asked(stage: Stage) -> Group:
    group_type, _ = GroupType.objects.get_or_create(name="matrix")
    types = list(VolumeType.objects.filter(name="__DEFAULT__"))
    return create_group(caller=stage.caller, group_type=group_type, volume_types=types)


def _made(stage: Stage, volumes: int) -> Group:
    group = _asked(stage)
    stage.settle()
    default = VolumeType.objects.get(name="__DEFAULT__")
    for _number in range(volumes):
        group.refresh_from_db()
        create_volume(caller=stage.caller, size_gib=1, group=group, volume_type=default)
        stage.settle()
    group.refresh_from_db()
    assert group.status == "available"
    return group


@story(f"{GROUP}.create")
def placed(stage: Stage) -> None:
    with stage.asking(f"{GROUP}.create"):
        _asked(stage)


@story(f"{GROUP}.delete")
def deleted_with_its_volumes(stage: Stage) -> None:
    group = _made(stage, volumes=2)
    with stage.asking(f"{GROUP}.delete"):
        delete_group(group=group, caller=stage.caller, with_volumes=True)
    assert not stage.is_well or not stage.volumes().exists()
    assert not stage.volumes().filter(status="deleting").exists()


def _kept(stage: Stage) -> GroupSnapshot:
    kept = create_group_snapshot(caller=stage.caller, group=_made(stage, volumes=2))
    stage.settle()
    kept.refresh_from_db()
    assert kept.status == "available"
    return kept


@story(f"{GROUP}.create_from_source")
def from_a_snapshot_of_one(stage: Stage) -> None:
    kept = _kept(stage)
    with stage.asking(f"{GROUP}.create_from_source"):
        group = create_group_from_snapshot(caller=stage.caller, group_snapshot=kept)
    _shows_the_same(stage, group)


@story(f"{GROUP}.create_from_source")
def from_another_one(stage: Stage) -> None:
    source = _made(stage, volumes=2)
    with stage.asking(f"{GROUP}.create_from_source"):
        group = create_group_from_group(caller=stage.caller, source=source)
    _shows_the_same(stage, group)


def _shows_the_same(stage: Stage, group: Group) -> None:
    statuses = list(stage.volumes().filter(group=group).values_list("status", flat=True))
    assert statuses == ["available" if stage.is_well else "error"] * 2


@story(f"{KEPT}.create")
def all_kept_at_once(stage: Stage) -> None:
    group = _made(stage, volumes=2)
    with stage.asking(f"{KEPT}.create"):
        create_group_snapshot(caller=stage.caller, group=group)
    statuses = list(stage.snapshots().values_list("status", flat=True))
    assert statuses == ["available" if stage.is_well else "error"] * 2


@story(f"{KEPT}.delete")
def all_given_up(stage: Stage) -> None:
    kept = _kept(stage)
    with stage.asking(f"{KEPT}.delete"):
        delete_group_snapshot(group_snapshot=kept, caller=stage.caller)
    assert not stage.is_well or not stage.snapshots().exists()
    assert not stage.snapshots().filter(status="deleting").exists()
