"""Choosing the back-end for a new volume, and handing the work to its queue."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from drivers.errors import BackendDown
from scheduling import algorithm, enquiry
from scheduling.placement import Decision, PoolKey, PoolReport, Request, place
from scheduling.reports import REPORTS
from storage_site import queues
from storage_site.operations import heartbeat
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from storage_site.operations.models import Service
from volumes.models import Volume

TASK = "volumes.tasks.create_volume"
# How long a placement waits for the answers of workers that have just been asked for reports.
ANSWER_S = 1.5
# How long a request that fits nowhere is put off because a living back-end has not reported yet.
SILENCE_S = 30


def run(op: Claimed, volume: Volume) -> None:
    """Choose the back-ends that may hold `volume` and hand it to the first.

    :raises BackendDown: if that cannot be told yet, because back-ends have to report first.
    :raises PermanentFailure: if none fits; the detail names each back-end and why not.
    """
    services = known_services()
    tries_left = settings.SCHEDULER_MAX_ATTEMPTS - len(op.operation.exclusions)
    if tries_left <= 0:
        raise PermanentFailure("no-valid-backend", _exhausted(volume, op.operation.exclusions))
    await_reports(services.values())
    pinned = _with_its_group(volume, op.operation.arguments)
    request = request_for(volume, {**op.operation.arguments, **pinned}, op.operation.exclusions)
    decision = decide(request, services)
    if not decision.candidates:
        refuse(op, decision, services)
    first = decision.candidates[0]
    kept = replace(decision, candidates=decision.candidates[:tries_left])
    op.hand_over(
        task=TASK,
        queue=queues.of_backend(first.backend),
        decision=kept.as_json(),
        fields={"backend": first.backend, "pool": first.pool},
    )


def known_services() -> dict[str, Service]:
    """Return what is known of the volume services, by their names."""
    return {service.host: service for service in Service.objects.filter(binary=heartbeat.VOLUME)}


def decide(request: Request, services: dict[str, Service]) -> Decision:
    """Place `request` among the pools that are known now, and take its room from the first candidate."""
    choose = partial(look, request, services)
    return REPORTS.decide(choose, volume_id=request.volume_id, size_gib=request.size_gib)


def look(request: Request, services: dict[str, Service], pools: Iterable[PoolReport]) -> Decision:
    """Place `request` among `pools`, and take no room."""
    chosen = algorithm.configured()
    return place(request, standing(pools, services), chosen.filters, chosen.weighers, chosen.ranking)


def request_for(volume: Volume, arguments: dict[str, Any], exclusions: dict[str, str]) -> Request:
    """Return what `volume` asks of the scheduler; `arguments` may hold hints and a pinned place."""
    specs = dict(volume.volume_type.extra_specs) if volume.volume_type else {}
    hints = arguments.get("hints") or {}
    pinned = arguments.get("pinned")
    return Request(
        volume_id=str(volume.id),
        size_gib=volume.size_gib,
        availability_zones=_zones(volume.availability_zone, specs),
        extra_specs=specs,
        type_name=volume.volume_type.name if volume.volume_type else "",
        hints=hints,
        neighbours=_neighbours(volume.project_id, hints),
        excluded=exclusions,
        pinned=PoolKey(**pinned) if pinned else None,
        default_ratio=algorithm.default_ratio(),
        volume={"name": volume.name or "", "project_id": volume.project_id, "multiattach": volume.is_multiattach},
    )


def _zones(asked: str | None, specs: dict[str, str]) -> tuple[str, ...]:
    """Return the zone asked for; without one those the type allows (contract 07, section 3)."""
    if asked:
        return (asked,)
    allowed = specs.get("RESKEY:availability_zones", "")
    return tuple(zone.strip() for zone in allowed.split(",") if zone.strip())


def _neighbours(project_id: str, hints: dict[str, Any]) -> dict[str, PoolKey]:
    """Return where the volumes named in the hints live, as far as they are the project's own."""
    named = {one for name in ("same_host", "different_host") for one in _ids(hints.get(name))}
    if not named:
        return {}
    rows = Volume.objects.filter(project_id=project_id, id__in=named).exclude(backend="")
    return {str(pk): PoolKey(backend, pool) for pk, backend, pool in rows.values_list("id", "backend", "pool")}


def _ids(hint: object) -> list[UUID]:
    """Return what can be read as an id; the filter refuses the rest."""
    found = []
    for one in [hint] if isinstance(hint, str) else hint if isinstance(hint, list) else []:
        try:
            found.append(UUID(one))
        except (ValueError, AttributeError, TypeError):
            continue
    return found


def standing(pools: Iterable[PoolReport], services: dict[str, Service]) -> list[PoolReport]:
    """Return the pools with what the operators and the heartbeat say of their services."""
    return [_with_standing(pool, services.get(pool.host)) for pool in pools]


def _with_its_group(volume: Volume, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return where a volume has to be because its group is there; nothing if it is in none.

    :raises BackendDown: while the group has not been placed. :raises PermanentFailure: if it is nowhere, or elsewhere
        than what the volume is to be made from.
    """
    group = volume.group
    if group is None:
        return {}
    if not group.backend and group.status == "creating":
        raise BackendDown(f"Group {group.pk} has not been placed yet.")
    pinned = arguments.get("pinned") or {"backend": group.backend}
    if not group.backend or pinned["backend"] != group.backend:
        raise PermanentFailure("no-valid-backend", f"The volume cannot be where the others of group {group.pk} are.")
    return {"pinned": pinned}


def _with_standing(pool: PoolReport, service: Service | None) -> PoolReport:
    """Add what the operators and the heartbeat say; a report without a row is a service that has just begun."""
    if service is None:
        return pool
    return replace(
        pool,
        is_enabled=not service.is_disabled,
        disabled_reason=service.disabled_reason or "",
        is_up=heartbeat.is_up(service),
        is_frozen=service.is_frozen,
    )


def await_reports(services: Iterable[Service]) -> None:
    """Make sure that the living back-ends have been asked lately, and have had a moment to answer.

    One that lives and stays silent (its storage does not answer) delays only the placements of that moment.
    """
    living = {service.host for service in services if heartbeat.is_up(service)}
    known = REPORTS.hosts()
    if living and living <= known:
        return
    if REPORTS.note_asked(settings.REPORT_INTERVAL_S if known else ANSWER_S):
        enquiry.ask_for_reports()
    REPORTS.wait_for(living, ANSWER_S - REPORTS.asked_s_ago())


def refuse(op: Claimed, decision: Decision, services: dict[str, Service]) -> NoReturn:
    """Say why there is no candidate.

    :raises BackendDown: if that may change by itself soon. :raises PermanentFailure: if it will not.
    """
    silent = silent_services(services, reported={name.partition("#")[0] for name in decision.refused})
    explained = replace(decision, refused={**decision.refused, **silent}).explained()
    living = [service for service in services.values() if heartbeat.is_up(service)]
    is_new = timezone.now() - op.operation.created_at < timedelta(seconds=SILENCE_S)
    if not living or not decision.refused or (is_new and any(service.host in silent for service in living)):
        raise BackendDown(f"No back-end can be chosen yet. {explained}")
    raise PermanentFailure("no-valid-backend", f"No valid back-end was found. {explained}")


def silent_services(services: dict[str, Service], reported: set[str]) -> dict[str, str]:
    """Return a sentence for each service that is known by its heartbeat only."""
    return {
        service.host: "it is alive but has not reported its capacity yet"
        if heartbeat.is_up(service)
        else f"no heartbeat since {service.last_seen_at:%Y-%m-%d %H:%M:%S} UTC; start its worker"
        for service in services.values()
        if service.host not in reported
    }


def _exhausted(volume: Volume, tried: dict[str, str]) -> str:
    reasons = "; ".join(f"{backend}: {reason}" for backend, reason in tried.items())
    return f"Exceeded max scheduling attempts {settings.SCHEDULER_MAX_ATTEMPTS} for resource {volume.id}. {reasons}"
