"""What administrators may ask about what is on the storage of a back-end (contract 06 section 4, 03 section 4)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from drivers.types import id_in
from storage_site.caller import Caller
from storage_site.errors import InvalidRequest, NotFound, ServiceFailed
from storage_site.operations import heartbeat
from storage_site.operations.admission import begin, lock, move
from storage_site.operations.models import Operation, Service
from storage_site.operations.waiting import seat, wait_for
from volumes import moving, quotas
from volumes.errors import InvalidHost, InvalidInput, InvalidSnapshot, InvalidVolume
from volumes.models import Attachment, Snapshot, Survey, Volume, VolumeType
from volumes.services.volumes import default_type, known_zones
from volumes.sources import is_source_of_unmade

LONGEST_LIFE = timedelta(hours=1)  # of what a survey has found, if whoever asked for it has gone


def survey(*, host: str, kind: str, caller: Caller) -> list[dict[str, Any]]:
    """Ask the back-end of `host` what there is of this kind on its storage, and wait for it.

    :raises NotFound: if there is no such host. :raises BackendSilent: if it does not answer.
    :raises InvalidRequest: if its driver cannot tell. :raises ServiceFailed: if it could not.
    """
    service = _service_called(host)
    if service is None:
        raise NotFound(f"Service {heartbeat.VOLUME} could not be found on host {host}.")
    with seat():
        with transaction.atomic():
            Survey.objects.filter(created_at__lt=timezone.now() - LONGEST_LIFE).delete()
            wanted = Survey(project_id=caller.project_id, backend=service.backend, kind=kind)
            operation = begin(wanted, "take", caller=caller)
        ended = wait_for(operation.id, settings.CONNECT_WAIT_S)
    found: list[dict[str, Any]] = Survey.objects.get(pk=wanted.pk).found
    with transaction.atomic():
        move(wanted, "forget", caller=caller)
    if ended.outcome == Operation.SUCCEEDED:
        return found
    if ended.fault_code == "not-supported":
        raise InvalidRequest(f"Invalid input received: {ended.fault_detail}")
    raise ServiceFailed


@transaction.atomic
def manage_volume(
    *,
    caller: Caller,
    host: str,
    reference: str,
    volume_type: VolumeType | None = None,
    availability_zone: str | None = None,
    is_bootable: bool = False,
    **described: Any,
) -> Volume:
    """Accept that what the storage calls `reference` is to be a volume of the caller's project.

    `described` are name, description and metadata.

    :raises InvalidHost: if there is no such service, or it is down or disabled. :raises InvalidInput: if the type is
        encrypted, or there is no such zone. :raises OverLimit: if a quota does not allow one more volume.
    """
    service = _service_called(host)
    if service is None or service.is_disabled or not heartbeat.is_up(service):
        raise InvalidHost(f"No available service named '{host}'")
    volume_type = volume_type or default_type(caller)
    if hasattr(volume_type, "encryption"):
        raise InvalidInput("Invalid volume_type: what is on a storage cannot become an encrypted volume.")
    zone = availability_zone or service.zone
    if zone not in known_zones():
        raise InvalidInput(f"Availability zone '{zone}' is invalid.")
    quotas.admit_volume(project_id=caller.project_id, size_gib=0, volume_type=volume_type)
    volume = Volume(
        project_id=caller.project_id,
        user_id=caller.user_id,
        size_gib=0,
        volume_type=volume_type,
        availability_zone=zone,
        is_bootable=is_bootable,
        is_multiattach=volume_type.is_multiattach,
        **{name: value for name, value in described.items() if value is not None},
    )
    arguments = {"backend": service.backend, "pool": host.partition("#")[2], "reference": reference}
    begin(volume, "manage", caller=caller, arguments=arguments)
    return volume


@transaction.atomic
def unmanage_volume(*, volume: Volume, caller: Caller) -> None:
    """Accept that the volume is to be forgotten, and its data kept. :raises InvalidVolume: if its state forbids it."""
    volume = lock(volume)
    refusal = InvalidVolume("Volume status must be available or error, and it must not be migrating or busy.")
    if volume.status not in {"available", "error"} or volume.is_moving or not volume.backend:
        raise refusal
    if Attachment.objects.of_clients().filter(volume=volume).exists():
        raise InvalidVolume(f"Volume {volume.pk} cannot be unmanaged: it is attached; detach it first.")
    if (reason := moving.obstacle(volume)) is not None:
        raise InvalidVolume(f"Volume {volume.pk} cannot be unmanaged: {reason}.")
    begin(volume, "unmanage", caller=caller, guard=moving.NOT_MOVING, refusal=refusal)


def manage_snapshot(*, caller: Caller, volume: Volume, reference: str, **described: Any) -> Snapshot:
    """Accept that what the storage calls `reference` is to be a snapshot of the volume.

    `described` are name, description and metadata. Raises as `survey`, and:

    :raises InvalidHost: if the service of the volume is down or disabled. :raises InvalidVolume: if it has none.
    :raises InvalidSnapshot: if there is no such thing, or it cannot be taken over. :raises OverLimit: by quotas.
    """
    service = _service_called(heartbeat.host_of(volume.backend)) if volume.backend else None
    if service is None or service.is_disabled or not heartbeat.is_up(service):
        raise InvalidHost(f"The service of volume {volume.pk} is not available.")
    entries = survey(host=service.host, kind=Survey.SNAPSHOTS, caller=caller)
    found = next((entry for entry in entries if entry["name"] == reference), None)
    if found is None or found["volume"] != str(volume.pk):
        raise InvalidSnapshot(f"Volume {volume.pk} has no snapshot of this reference on its storage.")
    if found["obstacle"]:
        raise InvalidSnapshot(f"The snapshot of this reference cannot be managed: {found['obstacle']}.")
    return _accept_snapshot(volume, found, caller, described)


@transaction.atomic
def _accept_snapshot(
    volume: Volume, found: Mapping[str, Any], caller: Caller, described: Mapping[str, Any]
) -> Snapshot:
    volume = lock(volume)
    moving.require_at_rest(volume)
    stored_as = UUID(id_in(found["name"]))
    if Snapshot.objects.filter(name_id=stored_as).exists() or Snapshot.objects.filter(pk=stored_as).exists():
        raise InvalidSnapshot("The snapshot of this reference cannot be managed: already managed.")
    quotas.admit_snapshot(project_id=volume.project_id, size_gib=found["size_gib"], volume_type=volume.volume_type)
    snapshot = Snapshot(
        project_id=volume.project_id,
        user_id=caller.user_id,
        volume=volume,
        size_gib=found["size_gib"],
        name_id=stored_as,
        **{name: value for name, value in described.items() if value is not None},
    )
    begin(snapshot, "manage", caller=caller, arguments={"reference": found["name"]})
    return snapshot


@transaction.atomic
def unmanage_snapshot(*, snapshot: Snapshot, caller: Caller) -> None:
    """Accept that the snapshot is to be forgotten, and its data kept. :raises InvalidSnapshot: if it is busy."""
    refusal = InvalidSnapshot("Snapshot status must be available or error, and no volume may be being made from it.")
    snapshot = lock(snapshot)
    if snapshot.group_snapshot_id is not None:
        raise InvalidSnapshot(f"It is part of the snapshot {snapshot.group_snapshot_id} of a group.")
    if is_source_of_unmade(snapshot):
        raise refusal
    begin(snapshot, "unmanage", caller=caller, refusal=refusal)


def _service_called(host: str) -> Service | None:
    """Return the volume service of a host's name, with or without a pool."""
    service = Service.objects.filter(binary=heartbeat.VOLUME, host=host.partition("#")[0]).first()
    return service if service is not None and service.backend in settings.STORAGE_BACKENDS else None
