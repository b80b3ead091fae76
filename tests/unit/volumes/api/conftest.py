"""Callers that speak the API, and a worker that does what they ask for."""

import threading

import pytest
from celery import current_app
from django.db import connection

from drivers.types import Fence
from storage_site.operations.models import Operation
from tests.calls import Calls
from tests.factories import VolumeFactory
from volumes import backends
from volumes.models import VolumeType


@pytest.fixture(autouse=True)
def default_type(db):
    """Have the type that migrations make, which transactional tests sweep away."""
    return VolumeType.objects.get_or_create(name="__DEFAULT__")[0]


@pytest.fixture
def as_member(db, member) -> Calls:
    return Calls(member)


@pytest.fixture
def as_admin(db, admin) -> Calls:
    return Calls(admin)


@pytest.fixture
def as_stranger(db, stranger) -> Calls:
    return Calls(stranger)


@pytest.fixture
def as_nobody(db) -> Calls:
    return Calls(None)


@pytest.fixture
def on_storage():
    """Make a volume that exists on the memory back-end, too."""

    def make(**fields):
        volume = VolumeFactory(**fields)
        backends.driver("mem1").create_volume(volume.ref(), Fence(1, 1))
        return volume

    return make


@pytest.fixture
def worker(transactional_db, settings):
    """Carry out, in a thread, the operations that wait for a volume worker."""
    settings.CONNECT_WAIT_S = 20
    current_app.loader.import_task_module("volumes.tasks")
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.01):
            for operation in Operation.objects.filter(outcome="", owner="", task__startswith="volumes."):
                current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
        connection.close()

    thread = threading.Thread(target=work, name="volume worker")
    thread.start()
    yield
    ended.set()
    thread.join(30)
