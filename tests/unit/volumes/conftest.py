"""Volumes that exist on the memory back-end, and a worker that is asked to work."""

import pytest
from celery import current_app

from drivers.types import Fence
from storage_site.operations.claims import Claimed, claim
from storage_site.operations.models import Operation
from tests.factories import VolumeFactory
from volumes import backends
from volumes.models import VolumeType


@pytest.fixture(autouse=True)
def default_type(db):
    """Have the type that migrations make, which transactional tests sweep away."""
    return VolumeType.objects.get_or_create(name="__DEFAULT__")[0]


@pytest.fixture
def on_storage():
    """Make a volume that exists on the memory back-end, too."""

    def make(**fields):
        volume = VolumeFactory(**fields)
        backends.driver(volume.backend).create_volume(volume.ref(), Fence(0, 1))
        return volume

    return make


def waiting(verb: str) -> Operation:
    """Return the one operation of this verb that waits for a worker."""
    return Operation.objects.get(verb=verb, outcome="", owner="")


def taken(verb: str) -> Claimed:
    """Claim the one operation of this verb that waits."""
    operation = waiting(verb)
    claimed = claim(str(operation.id), task=operation.task)
    assert claimed is not None
    return claimed


def work() -> None:
    """Carry out, as a worker would, everything that waits for one."""
    current_app.loader.import_task_module("volumes.tasks")
    for operation in Operation.objects.filter(outcome="", owner="", task__startswith="volumes.").order_by("serial"):
        current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
