"""What may be asked about where a volume lives, and of what type it is (contract 02, sections 7 and 8)."""

from django.conf import settings
from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations import heartbeat
from storage_site.operations.admission import begin, lock, unfinished
from storage_site.operations.calling_off import call_off
from storage_site.operations.models import Service
from volumes import moving, quotas
from volumes.errors import InvalidHost, InvalidInput, InvalidVolume, VolumeNotFound
from volumes.models import QosSpecs, Volume, VolumeType
from volumes.services.volumes import require_size_of_type

ON_DEMAND = "on-demand"
_NOT_RETYPABLE = (
    "Retype needs volume to be in available or in-use state, not be part of an active migration or a group, the new "
    "type has to be another than the present one, and for an in-use volume neither what its host limits nor whether "
    "it can be attached several times may change."
)


@transaction.atomic
def retype_volume(*, volume: Volume, volume_type: VolumeType, may_move: bool, caller: Caller) -> None:
    """Accept that the volume is to be of another type; `may_move` also if its back-end cannot serve that.

    :raises InvalidVolume: if its state does not admit it. :raises InvalidInput: if the type does not admit the volume.
    :raises OverLimit: if a quota of the type does not allow it.
    """
    volume = lock(volume)
    refusal = InvalidVolume(_NOT_RETYPABLE)
    if volume.is_moving or volume.group_id is not None or volume.volume_type_id == volume_type.pk:
        raise refusal
    if volume.status == "in-use" and not _looks_the_same(volume.volume_type, volume_type):
        raise refusal
    if hasattr(volume_type, "encryption"):
        raise InvalidInput(f"Invalid encryption spec: no back-end can encrypt the volumes of type {volume_type.name}.")
    require_size_of_type(volume.size_gib, volume_type)
    zones = [zone.strip() for zone in volume_type.extra_specs.get("RESKEY:availability_zones", "").split(",")]
    if any(zones) and volume.availability_zone not in zones:
        raise InvalidInput(f"Volumes of type {volume_type.name} cannot be in zone '{volume.availability_zone}'.")
    if volume.consumes_quota:
        quotas.admit_retyped(project_id=volume.project_id, size_gib=volume.size_gib, volume_type=volume_type)
    arguments = {"volume_type_id": str(volume_type.pk), "may_move": may_move}
    begin(
        volume,
        "retype",
        caller=caller,
        arguments=arguments,
        fields={"retyping_to": volume_type},
        guard=moving.NOT_MOVING,
        refusal=refusal,
    )


@transaction.atomic
def migrate_volume(*, volume: Volume, host: str, caller: Caller, is_locked: bool = False) -> None:
    """Accept that the volume is to live on `host` (host@backend#pool); `is_locked` keeps everybody off meanwhile.

    :raises InvalidVolume: if its state does not admit it, or its back-end cannot do it while it is used.
    :raises InvalidHost: if there is no such service, or the volume is there.
    """
    volume = lock(volume)
    if volume.status not in {"available", "in-use"} or not volume.backend:
        raise InvalidVolume(
            f"Volume {volume.pk} status must be available or in-use to be migrated, but current status is: "
            f"{volume.status}."
        )
    moving.require_at_rest(volume)
    backend, pool = _place_called(host)
    if backend == volume.backend and pool in {"", volume.pool}:
        raise InvalidHost("The destination has to be another host than the one where the volume is.")
    if (reason := moving.obstacle(volume)) is not None:
        raise InvalidVolume(f"Volume {volume.pk} cannot be migrated: {reason}.")
    begin(
        volume,
        "migrate_locked" if is_locked else "migrate",
        caller=caller,
        arguments={"host": host, "backend": backend, "pool": pool},
        fields={"migration_status": "starting"},
        guard=moving.NOT_MOVING,
        refusal=InvalidVolume(f"Volume {volume.pk} is busy with other work."),
    )


@transaction.atomic
def complete_migration(*, volume: Volume, new_volume_id: str, is_failed: bool, caller: Caller) -> Volume:
    """Take note that a copy is complete, or has failed, and return the volume that stays.

    The service's own copies end by themselves, so there is nothing to do but to call one off that has failed. For a
    pair that is not being migrated a compute service has exchanged the volumes by itself: the new one stays.

    :raises VolumeNotFound: if there is no such volume. :raises InvalidVolume: if the two do not belong together.
    """
    new = Volume.objects.visible_to(caller).filter(pk=new_volume_id).first()
    if new is None:
        raise VolumeNotFound(new_volume_id)
    volume = lock(volume)
    if volume.migration_status is None and new.migration_status is None:
        return new
    if not volume.is_moving or new.migration_status != f"{moving.STANDS_IN_FOR}{volume.pk}":
        raise InvalidVolume(
            f"Volume {new.pk} is not what volume {volume.pk} is being migrated to (their migration statuses are "
            f"{new.migration_status} and {volume.migration_status})."
        )
    operation = unfinished(volume)
    if is_failed and operation is not None:
        call_off(operation=operation, caller=caller)
    return volume


def _place_called(host: str) -> tuple[str, str]:
    """Return back-end and pool of a host's name. :raises InvalidHost: if no service that lives is called so."""
    name, _, pool = host.partition("#")
    service = Service.objects.filter(binary=heartbeat.VOLUME, host=name).first()
    if service is None or not heartbeat.is_up(service) or service.backend not in settings.STORAGE_BACKENDS:
        raise InvalidHost(f"No available service named '{host}'")
    return service.backend, pool


def _looks_the_same(present: VolumeType | None, wanted: VolumeType) -> bool:
    """Tell whether a host that uses a volume of the one type need not know that it is of the other."""
    shares = present is not None and present.is_multiattach
    return _limits_of(present) == _limits_of(wanted) and shares == wanted.is_multiattach


def _limits_of(volume_type: VolumeType | None) -> QosSpecs | None:
    """Return the limits that hosts keep for volumes of a type."""
    specs = volume_type.qos_specs if volume_type else None
    return specs if specs is not None and specs.for_host(1) is not None else None
