"""Stories of volumes that get another type, or another back-end."""

from storage_site.operations.heartbeat import host_of
from tests.matrix.stage import Stage
from tests.matrix.stories import story
from volumes.models import Volume, VolumeType
from volumes.services.moving import migrate_volume, retype_volume

VOLUME = "volumes.volume"


def _elsewhere(stage: Stage, volume: Volume) -> str:
    return next(key for key in stage.backend_keys if key != volume.backend)


def _keeps_what_it_holds(stage: Stage, volume: Volume, wanted: str, before: str) -> None:
    """Make sure that the volume is where it should be, with its content, and that one row of it is left."""
    volume.refresh_from_db()
    assert (volume.status, volume.backend) == ("available", wanted if stage.is_well else before)
    assert (volume.is_moving, volume.retyping_to) == (False, None)
    assert stage.holds(volume, 1, 5)
    assert list(stage.volumes()) == [volume]


def _migrated(stage: Stage, *, is_locked: bool) -> None:
    volume = stage.volume(1, 5)
    before, wanted = volume.backend, _elsewhere(stage, volume)
    with stage.asking(f"{VOLUME}.migrate{'_locked' if is_locked else ''}"):
        migrate_volume(volume=volume, host=host_of(wanted), caller=stage.caller, is_locked=is_locked)
    _keeps_what_it_holds(stage, volume, wanted, before)


@story(f"{VOLUME}.migrate")
def to_another_back_end(stage: Stage) -> None:
    _migrated(stage, is_locked=False)


@story(f"{VOLUME}.migrate_locked")
def with_everybody_kept_off(stage: Stage) -> None:
    _migrated(stage, is_locked=True)


def _type_of(key: str) -> VolumeType:
    found, _ = VolumeType.objects.get_or_create(name=f"on {key}", extra_specs={"volume_backend_name": key})
    return found


@story(f"{VOLUME}.retype")
def where_it_is(stage: Stage) -> None:
    volume = stage.volume(1, 5)
    before = volume.backend
    with stage.asking(f"{VOLUME}.retype"):
        retype_volume(volume=volume, volume_type=_type_of(before), may_move=False, caller=stage.caller)
    _keeps_what_it_holds(stage, volume, before, before)


@story(f"{VOLUME}.retype")
def where_it_has_to_move(stage: Stage) -> None:
    volume = stage.volume(1, 5)
    before, wanted = volume.backend, _elsewhere(stage, volume)
    with stage.asking(f"{VOLUME}.retype"):
        retype_volume(volume=volume, volume_type=_type_of(wanted), may_move=True, caller=stage.caller)
    _keeps_what_it_holds(stage, volume, wanted, before)
