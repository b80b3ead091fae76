"""Choosing where a volume lives that exists already: it changes its type, is wanted elsewhere, or is taken over."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.utils import timezone

from drivers.errors import BackendDown
from scheduling.placement import Decision, PoolKey, Request
from scheduling.reports import REPORTS
from scheduling.workflows.place_volume import (
    SILENCE_S,
    await_reports,
    decide,
    known_services,
    look,
    refuse,
    request_for,
    silent_services,
)
from storage_site import queues
from storage_site.operations import heartbeat
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from storage_site.operations.models import Service
from volumes import moving
from volumes.models import Volume, VolumeType
from volumes.settling import settle

TASK = "volumes.tasks.lend_to_move"
Services = dict[str, Service]


def retype(op: Claimed, volume: Volume) -> None:
    """Give the volume its new type where it is; or have it moved, where that is wanted and has to be.

    :raises BackendDown: if that cannot be told yet. :raises PermanentFailure: if neither is possible.
    """
    wanted = volume.retyping_to
    if wanted is None:
        raise PermanentFailure("resource-gone", "It is not known any more of which type the volume is to be.")
    services = known_services()
    await_reports(services.values())
    here = PoolKey(volume.backend, volume.pool)
    request = replace(_request(volume, wanted), availability_zones=(volume.availability_zone,), already_at=here)
    seen = look(request, services, REPORTS.pools())
    if any(here.covers(one.key) for one in seen.candidates):
        fields = {"volume_type": wanted, "is_multiattach": wanted.is_multiattach, "retyping_to": None}
        op.finish(also=partial(settle, volume.pk), **fields)
        return
    _require_report(op, heartbeat.host_of(volume.backend), seen, services)
    if not op.operation.arguments.get("may_move"):
        reason = seen.refused.get(volume.host or "", "it is not known")
        raise PermanentFailure(
            "no-valid-backend",
            f"The volume would have to be moved, which was not asked for. {volume.backend}: {reason}",
        )
    if (reason := moving.obstacle(volume)) is not None:
        raise PermanentFailure("volume-cannot-move", f"The volume would have to be moved, but {reason}.")
    excluded = {**op.operation.exclusions, volume.backend: "the volume is there"}
    _move(op, volume, replace(request, excluded=excluded), services)


def migrate(op: Claimed, volume: Volume) -> None:
    """Have the volume moved to where it is wanted. Raises as `retype` does."""
    wanted, only = _named(op)
    _move(op, volume, replace(_request(volume, volume.volume_type), pinned=wanted), only)


def manage(op: Claimed, volume: Volume) -> None:
    """Hand what is on a storage to its back-end, if that serves the type. Raises as `retype` does."""
    wanted, only = _named(op)
    zones = (volume.availability_zone,)
    request = replace(_request(volume, volume.volume_type), size_gib=0, pinned=wanted, availability_zones=zones)
    decision = look(request, only, REPORTS.pools())
    if not decision.candidates:
        refuse(op, _only(decision, only), only)
    first = decision.candidates[0]
    op.hand_over(
        task="volumes.tasks.manage_volume",
        queue=queues.of_backend(first.backend),
        decision=decision.as_json(),
        fields={"backend": first.backend, "pool": first.pool},
    )


def _named(op: Claimed) -> tuple[PoolKey, Services]:
    """Return the pool that was named, and its service alone, which has had a moment to report."""
    wanted = PoolKey(op.operation.arguments["backend"], op.operation.arguments["pool"])
    host = heartbeat.host_of(wanted.backend)
    only = {name: service for name, service in known_services().items() if name == host}
    await_reports(only.values())
    return wanted, only


def _only(decision: Decision, services: Services) -> Decision:
    """Return the decision without what is said of other services."""
    named = {name: reason for name, reason in decision.refused.items() if name.partition("#")[0] in services}
    return replace(decision, refused=named)


def _request(volume: Volume, volume_type: VolumeType | None) -> Request:
    """Return what a volume of this type asks of the scheduler, in any zone that the type allows."""
    as_if = Volume(pk=volume.pk, size_gib=volume.size_gib, volume_type=volume_type, availability_zone="")
    asked = request_for(as_if, {}, {})
    known = {"name": volume.name or "", "project_id": volume.project_id, "multiattach": volume.is_multiattach}
    return replace(asked, volume=known)


def _move(op: Claimed, volume: Volume, request: Request, services: Services) -> None:
    """Have the volume moved to the best pool. Raises as `retype` does."""
    decision = decide(request, services)
    if not decision.candidates:
        refuse(op, _only(decision, services), services)
    first = decision.candidates[0]
    op.hand_over(
        task=TASK,
        queue=queues.of_backend(volume.backend),
        decision=decision.as_json(),
        fields={"migration_status": "migrating"},
        also=partial(moving.add_stand_in, volume, backend=first.backend, pool=first.pool, caller=op.caller()),
    )


def _require_report(op: Claimed, host: str, seen: Decision, services: Services) -> None:
    """Make sure that the back-end of the volume was asked. :raises BackendDown: if it lives and may still report."""
    reported = {name.partition("#")[0] for name in seen.refused}
    is_new = timezone.now() - op.operation.created_at < timedelta(seconds=SILENCE_S)
    service = services.get(host)
    if is_new and service is not None and heartbeat.is_up(service) and host in silent_services(services, reported):
        raise BackendDown("The back-end of the volume has not reported its capacity yet.")
