"""Choosing the one back-end for all the volumes of a group."""

from collections.abc import Mapping, Sequence
from functools import partial

from scheduling import algorithm
from scheduling.placement import Candidate, Decision, PoolKey, Request
from scheduling.reports import REPORTS
from scheduling.workflows.place_volume import await_reports, known_services, look, refuse
from storage_site import queues
from storage_site.operations.claims import Claimed
from storage_site.operations.models import Service
from volumes.models import Group, Volume, VolumeType
from volumes.models.group_types import CONSISTENT, REPLICATED, YES

MAKE = "volumes.tasks.create_group_from_source"


def run(op: Claimed, group: Group) -> None:
    """Choose a back-end that has room for the volumes of every type of the group, and can do what its own type asks.

    A group without volumes is made by that; otherwise its back-end makes them.

    :raises BackendDown: if that cannot be told yet, because back-ends have to report first.
    :raises PermanentFailure: if none fits; the detail names each back-end and why not.
    """
    services = known_services()
    await_reports(services.values())
    decision = decide(_requests(op, group), services)
    if not decision.candidates:
        refuse(op, decision, services)
    first = decision.candidates[0]
    place_of_group = {"backend": first.backend, "pool": first.pool}
    if op.operation.verb == "create":
        op.finish(**place_of_group)
        return
    op.hand_over(task=MAKE, queue=queues.of_backend(first.backend), decision=decision.as_json(), fields=place_of_group)


def decide(requests: Sequence[Request], services: dict[str, Service]) -> Decision:
    """Return the pools of those back-ends that fit all requests, the best for the first of them first.

    No room is taken: that of the volumes is, when they are made.
    """
    pools = REPORTS.pools()
    decisions = [look(one, services, pools) for one in requests]
    refused: dict[str, str] = {}
    for decision in reversed(decisions):
        refused |= decision.refused
    fitting = [{candidate.backend for candidate in decision.candidates} for decision in decisions]
    common = set.intersection(*fitting)
    first = decisions[0].candidates
    return Decision(tuple(one for one in first if one.backend in common), _without(refused, first, common))


def _without(refused: Mapping[str, str], fitting: Sequence[Candidate], common: set[str]) -> dict[str, str]:
    """Return the refusals of back-ends that do not fit; those that do may have pools that do not."""
    unfit = {f"{one.host}#{one.pool}": "not every volume type fits" for one in fitting if one.backend not in common}
    return unfit | {name: reason for name, reason in refused.items() if _backend(name) not in common}


def _backend(pool_name: str) -> str:
    return pool_name.partition("#")[0].rpartition("@")[2]


def _requests(op: Claimed, group: Group) -> list[Request]:
    """Return what is asked for each volume type, and for the group itself."""
    sizes: dict[object, int] = {}
    for type_id, size_gib in Volume.objects.filter(group=group, status="creating").values_list(
        "volume_type_id", "size_gib"
    ):
        sizes[type_id] = sizes.get(type_id, 0) + size_gib
    pinned = op.operation.arguments.get("pinned")
    request = partial(
        Request,
        volume_id=str(group.pk),
        availability_zones=(group.availability_zone,),
        pinned=PoolKey(**pinned) if pinned else None,
        default_ratio=algorithm.default_ratio(),
        volume={"name": group.name or "", "project_id": group.project_id},
    )
    asked = [_of_type(request, one, sizes.get(one.pk, 0)) for one in group.volume_types.order_by("name")]
    # Other specs of a group type mean nothing to back-ends, nor does one that asks for nothing.
    specs = {key: YES for key in (CONSISTENT, *REPLICATED) if group.group_type.group_specs.get(key) == YES}
    return [*asked, request(size_gib=0, extra_specs=dict(specs), type_name=group.group_type.name)]


def _of_type(request: "partial[Request]", volume_type: VolumeType, size_gib: int) -> Request:
    return request(size_gib=size_gib, extra_specs=dict(volume_type.extra_specs), type_name=volume_type.name)
