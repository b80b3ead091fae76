"""Placing a volume: from the accepted operation to the queue of a back-end, or to a reason."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from workers import listening, scheduler, told, volume_worker

from scheduling import algorithm
from scheduling.placement import PoolKey
from scheduling.reports import REPORTS
from scheduling.workflows import place_volume
from storage_site import queues
from storage_site.operations.heartbeat import beat, host_of
from storage_site.operations.models import Operation, Service
from storage_site.operations.perform import carry_out
from tests.factories import VolumeFactory, VolumeTypeFactory
from volumes import backends
from volumes.models import Volume, VolumeType
from volumes.reporting import report_of
from volumes.services.volumes import create_volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TASK = "scheduling.tasks.place_volume"


@pytest.fixture(autouse=True)
def _settings_afresh():
    algorithm.configured.cache_clear()
    yield
    algorithm.configured.cache_clear()


@pytest.fixture
def fleet():
    """Two back-ends of 100 GiB, alive and reported."""
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    told([report("mem1"), report("mem2")])


@pytest.fixture
def accepted(member, settings):
    VolumeType.objects.get_or_create(name=settings.DEFAULT_VOLUME_TYPE)

    def accept(size_gib=1, **rest):
        volume = create_volume(caller=member, size_gib=size_gib, **rest)
        return Operation.objects.get(resource_id=volume.pk)

    return accept


def report(key, **numbers):
    made = report_of(key, backends.driver(key))
    made["pools"][0].update(numbers)
    return made


def run(operation):
    Operation.objects.filter(pk=operation.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    carry_out(str(operation.id), place_volume.run, task=TASK)
    operation.refresh_from_db()
    return Volume.objects.get(pk=operation.resource_id)


def age(operation, seconds):
    Operation.objects.filter(pk=operation.pk).update(created_at=timezone.now() - timedelta(seconds=seconds))


def services(key, **changes):
    Service.objects.filter(backend=key).update(**changes)


def test_a_volume_is_handed_to_the_back_end_with_the_most_room(fleet, accepted):
    told([report("mem1", provisioned_capacity_gb=60)])
    operation = accepted(10)
    volume = run(operation)
    assert (volume.backend, volume.pool, volume.status) == ("mem2", "mem2", "creating")
    assert (operation.task, operation.queue) == ("volumes.tasks.create_volume", "volume-mem2")
    assert (operation.owner, operation.outcome) == ("", "")
    assert [one["backend"] for one in operation.decision["candidates"]] == ["mem2", "mem1"]
    assert operation.decision["refused"] == {}


def test_what_a_choice_takes_is_seen_by_the_next(fleet, accepted):
    chosen = [run(accepted(10)).backend for _ in range(4)]
    assert sorted(chosen) == ["mem1", "mem1", "mem2", "mem2"]
    assert {pool.capabilities["free_capacity_gb"] for pool in REPORTS.pools()} == {80}


def test_a_volume_that_fits_nowhere_fails_naming_every_back_end(fleet, accepted):
    services("mem2", is_disabled=True, disabled_reason="new disks")
    operation = accepted(500)
    volume = run(operation)
    assert (volume.status, volume.backend) == ("error", "")
    assert (operation.outcome, operation.fault_code) == ("failed", "no-valid-backend")
    assert operation.fault_detail == (
        "No valid back-end was found. mem1: 100 GiB free of 100, 500 asked; "
        f"mem2: the service is disabled (new disks); enable {host_of('mem2')}"
    )


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"is_frozen": True}])
def test_a_service_taken_out_by_an_operator_gets_no_volume(fleet, accepted, change):
    services("mem1", **change)
    assert {run(accepted(10)).backend for _ in range(3)} == {"mem2"}


def test_a_service_without_a_heartbeat_gets_no_volume(fleet, accepted):
    services("mem1", last_seen_at=timezone.now() - timedelta(seconds=61))
    assert {run(accepted(10)).backend for _ in range(3)} == {"mem2"}


def test_a_scheduler_that_has_just_started_asks_and_then_places(accepted):
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    with listening(scheduler(), volume_worker("mem1"), volume_worker("mem2")):
        operation = accepted(10)
        volume = run(operation)
    assert volume.backend == "mem1"
    assert len(operation.decision["candidates"]) == 2


def test_while_no_back_end_has_reported_the_volume_waits(accepted):
    operation = accepted(10)
    assert run(operation).status == "creating"
    assert (operation.outcome, operation.fault_code) == ("", "backend-down")
    assert operation.fault_detail == "No back-end can be chosen yet. No back-end has reported."
    told([report("mem1")])
    assert run(operation).backend == "mem1"


def test_while_all_back_ends_are_down_the_volume_waits(fleet, accepted):
    services("mem1", last_seen_at=timezone.now() - timedelta(days=1))
    services("mem2", last_seen_at=timezone.now() - timedelta(days=1))
    operation = accepted(10)
    age(operation, 300)
    assert run(operation).status == "creating"
    assert "mem1: no heartbeat; its worker is down" in operation.fault_detail


def test_a_living_back_end_that_has_not_reported_is_waited_for_but_not_for_ever(accepted):
    told([report("mem1", provisioned_capacity_gb=99)])
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    operation = accepted(10)
    assert run(operation).status == "creating"
    assert "mem2: it is alive but has not reported its capacity yet" in operation.fault_detail
    age(operation, place_volume.SILENCE_S)
    assert run(operation).status == "error"
    assert "mem2: it is alive but has not reported its capacity yet" in operation.fault_detail


def test_an_answer_to_somebody_elses_question_is_awaited(accepted):
    beat(queues.of_backend("mem1"))
    operation = accepted(10)
    REPORTS.note_asked(0)
    late = threading.Timer(0.05, told, [[report("mem1")]])
    late.start()
    assert run(operation).backend == "mem1"
    late.join()


def test_a_back_end_that_is_gone_is_named_and_not_waited_for(accepted):
    told([report("mem1", provisioned_capacity_gb=99)])
    for key in ("mem1", "mem2"):
        beat(queues.of_backend(key))
    services("mem2", last_seen_at=timezone.now() - timedelta(days=1))
    operation = accepted(10)
    assert run(operation).status == "error"
    assert "mem2: no heartbeat since 20" in operation.fault_detail


def test_a_back_end_that_has_refused_is_left_out(fleet, accepted):
    operation = accepted(10)
    Operation.objects.filter(pk=operation.pk).update(exclusions={"mem1": "no space left on device"})
    assert run(operation).backend == "mem2"
    assert list(operation.decision["refused"].values()) == ["tried already: no space left on device"]


def test_no_more_candidates_are_handed_over_than_tries_are_left(fleet, accepted, settings):
    settings.SCHEDULER_MAX_ATTEMPTS = 1
    operation = accepted(10)
    run(operation)
    assert len(operation.decision["candidates"]) == 1


def test_after_the_last_try_the_volume_fails(fleet, accepted, settings):
    settings.SCHEDULER_MAX_ATTEMPTS = 1
    operation = accepted(10)
    Operation.objects.filter(pk=operation.pk).update(exclusions={"mem1": "no space left on device"})
    assert run(operation).status == "error"
    assert operation.fault_detail == (
        f"Exceeded max scheduling attempts 1 for resource {operation.resource_id}. mem1: no space left on device"
    )


def test_the_type_and_the_zone_are_asked_for(fleet, accepted):
    kind = VolumeTypeFactory(extra_specs={"volume_backend_name": "mem2"})
    assert run(accepted(10, volume_type=kind)).backend == "mem2"
    kind = VolumeTypeFactory(extra_specs={"volume_backend_name": "none"})
    operation = accepted(10, volume_type=kind)
    assert run(operation).status == "error"
    assert "the type asks for volume_backend_name 'none', the pool has 'mem1'" in operation.fault_detail
    told([report("mem1") | {"zone": "moon"}])
    assert {run(accepted(10)).backend for _ in range(3)} == {"mem2"}


def test_hints_are_followed_where_their_filters_are_configured(fleet, accepted, settings):
    settings.SCHEDULER_FILTERS = ["SameBackendFilter", "DifferentBackendFilter"]
    there = VolumeFactory(backend="mem2", pool="mem2")
    assert run(accepted(10, hints={"same_host": str(there.pk)})).backend == "mem2"
    assert run(accepted(10, hints={"different_host": [str(there.pk)]})).backend == "mem1"


def test_hints_tell_nothing_about_volumes_of_other_projects(fleet, accepted, settings):
    settings.SCHEDULER_FILTERS = ["SameBackendFilter"]
    foreign = VolumeFactory(backend="mem2", pool="mem2", project_id="f" * 32)
    assert run(accepted(10, hints={"same_host": str(foreign.pk)})).status == "error"


def test_a_request_is_read_from_the_volume_and_its_operation(member):
    kind = VolumeTypeFactory(extra_specs={"RESKEY:availability_zones": "a, b", "x": "y"})
    volume = VolumeFactory.build(id=uuid.uuid4(), size_gib=7, volume_type=kind, availability_zone="")
    pinned = {"hints": None, "pinned": {"backend": "mem1", "pool": "mem1"}}
    request = place_volume.request_for(volume, pinned, {"mem2": "full"})
    assert (request.size_gib, request.availability_zones, request.type_name) == (7, ("a", "b"), kind.name)
    assert (request.pinned, request.excluded) == (PoolKey("mem1", "mem1"), {"mem2": "full"})
    volume.availability_zone = "b"
    assert place_volume.request_for(volume, {}, {}).availability_zones == ("b",)


def test_placing_takes_few_queries(fleet, accepted, django_assert_max_num_queries):
    operation = accepted(10)
    with django_assert_max_num_queries(12):
        carry_out(str(operation.id), place_volume.run, task=TASK)
    operation.refresh_from_db()
    assert operation.queue.startswith("volume-")
