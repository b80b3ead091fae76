"""Making a volume: a back-end that cannot just now is waited for, one that cannot at all is replaced."""

import pytest

from drivers.errors import BackendBusy, BackendFull
from drivers.volume.memory import MemoryDriver
from storage_site.operations.models import Operation
from storage_site.operations.perform import carry_out
from tests.faults import FaultyDriver
from tests.unit.volumes.conftest import taken
from volumes import backends
from volumes.models import Volume
from volumes.services.volumes import create_volume
from volumes.workflows import create

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TASK = "volumes.tasks.create_volume"


@pytest.fixture
def faulty(monkeypatch):
    """Return, for each back-end, what tells its driver to fail."""
    drivers = {}
    for key in ("mem1", "mem2"):
        served = backends.driver(key)
        drivers[key] = FaultyDriver(MemoryDriver.from_settings(key, {}))
        monkeypatch.setattr(served, "create_volume", drivers[key].create_volume)
    return drivers


@pytest.fixture
def placed(member):
    """Accept a volume and place it, with these candidates, after the scheduler has waited for reports for long."""

    def place(*candidates: str) -> Operation:
        create_volume(caller=member, size_gib=1)
        held = taken("create")
        held.hand_over(
            task=TASK,
            queue=f"volume-{candidates[0]}",
            fields={"backend": candidates[0], "pool": candidates[0]},
            decision={"candidates": [{"backend": key, "pool": key} for key in candidates]},
        )
        return Operation.objects.get(pk=held.operation.pk)

    return place


def attempt(operation: Operation) -> Operation:
    Operation.objects.filter(pk=operation.pk).update(not_before=operation.created_at)
    carry_out(str(operation.id), create.run, task=TASK)
    operation.refresh_from_db()
    return operation


def test_the_only_back_end_is_waited_for_while_it_is_busy(placed, faulty):
    operation = placed("mem1")
    faulty["mem1"].refuse("create_volume", BackendBusy())
    for _try in range(6):
        attempt(operation)
    assert (operation.outcome, operation.fault_code) == ("", "backend-busy")
    faulty["mem1"].heal()
    assert attempt(operation).outcome == "succeeded"
    assert Volume.objects.get().status == "available"


def test_a_busy_back_end_is_tried_a_few_times_and_then_the_next(placed, faulty):
    operation = placed("mem1", "mem2")
    faulty["mem1"].refuse("create_volume", BackendBusy())
    for _try in range(create.TRIES_PER_BACKEND):
        assert attempt(operation).outcome == ""
    assert operation.queue == "volume-mem2"
    assert attempt(operation).outcome == "succeeded"
    assert [ref.id for ref in backends.driver("mem2").list_volumes()] == [str(operation.resource_id)]


def test_what_placement_waited_for_is_not_held_against_the_back_end(placed, faulty):
    operation = placed("mem1", "mem2")
    Operation.objects.update(checkpoint={"waits": 7})
    held = taken("create")
    held.hand_over(task=TASK, queue="volume-mem1")
    operation.refresh_from_db()
    faulty["mem1"].refuse("create_volume", BackendBusy(), times=1)
    assert attempt(operation).queue == "volume-mem1"


def test_when_no_back_end_has_room_every_one_is_named(placed, faulty):
    operation = placed("mem1", "mem2")
    for driver in faulty.values():
        driver.refuse("create_volume", BackendFull("no room"))
    attempt(operation)
    attempt(operation)
    assert operation.outcome == "failed"
    assert "mem1: no room" in operation.fault_detail
    assert "mem2: no room" in operation.fault_detail
