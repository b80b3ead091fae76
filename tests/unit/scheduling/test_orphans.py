"""Orphans: what is on a storage for nobody is shown, and is adopted or deleted only by name and by its worker."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from workers import told

from drivers import memory_pool
from drivers.memory_pool import SparseBytes
from drivers.types import GIB, Fence
from scheduling import algorithm
from storage_site import queues
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation
from tests.conftest import PROJECT
from tests.factories import OperationFactory, VolumeFactory
from volumes import backends
from volumes.models import Volume, VolumeType
from volumes.reporting import report_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def worker(settings):
    """Carry out, in a thread, whatever waits for the worker of mem1."""
    settings.CONNECT_WAIT_S = 20
    VolumeType.objects.get_or_create(name="__DEFAULT__")
    algorithm.configured.cache_clear()
    beat(queues.of_backend("mem1"))
    told([report_of("mem1", backends.driver("mem1"))])
    for module in ("volumes.tasks", "scheduling.tasks"):
        current_app.loader.import_task_module(module)
    ended = threading.Event()

    def run():
        while not ended.wait(0.01):
            for waiting in Operation.objects.filter(outcome="", owner="", not_before__lte=timezone.now()):
                current_app.tasks[waiting.task].apply(kwargs={"operation_id": str(waiting.id)})
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    ended.set()
    thread.join(30)
    algorithm.configured.cache_clear()


def on_storage(**fields) -> Volume:
    volume = VolumeFactory(**fields)
    backends.driver("mem1").create_volume(volume.ref(), Fence(0, 1))
    return volume


def orphaned() -> str:
    """Put a volume on the storage whose row is gone; return its name there."""
    volume = on_storage()
    name = f"volume-{volume.pk}"
    Volume.objects.filter(pk=volume.pk).delete()
    return name


def stored() -> set[str]:
    return set(memory_pool.pool("mem1").volumes)


def said(*words: str) -> str:
    out = StringIO()
    call_command("orphans", "mem1", *words, stdout=out)
    return out.getvalue()


def test_what_has_no_row_is_shown_and_left_alone():
    name, volume = orphaned(), on_storage()
    before = stored()
    text = said()
    assert f"volume {name} (1 GiB) has no row" in text
    assert str(volume.pk) not in text
    assert stored() == before
    assert Volume.objects.count() == 1


def test_a_row_without_its_storage_is_shown_unless_it_is_young_or_busy():
    long_ago = timezone.now() - timedelta(hours=1)
    missing = VolumeFactory(created_at=long_ago)
    young = VolumeFactory()
    busy = VolumeFactory(created_at=long_ago)
    OperationFactory(volume=busy, not_before=timezone.now() + timedelta(hours=1))
    text = said()
    assert f"volume {missing.pk} has a row" in text
    assert str(young.pk) not in text
    assert str(busy.pk) not in text


def test_what_unfinished_work_names_is_no_orphan():
    name = orphaned()
    other = VolumeFactory()
    later = timezone.now() + timedelta(hours=1)
    OperationFactory(volume=other, arguments={"reference": name}, not_before=later)
    assert name not in said()


def test_it_is_adopted_into_the_project_that_is_named():
    name = orphaned()
    assert "adopted as" in said("--adopt", "--name", name, "--project", PROJECT)
    adopted = Volume.objects.get()
    assert (adopted.status, adopted.project_id, adopted.name) == ("available", PROJECT, "orphan")
    assert name not in said()


def test_it_is_deleted_by_its_worker():
    name, kept = orphaned(), on_storage()
    assert "deleted" in said("--delete", "--name", name, "--project", PROJECT)
    assert stored() == {str(kept.pk)}
    assert Volume.objects.get() == kept


def test_all_is_never_what_somebody_else_put_there():
    memory_pool.pool("mem1").foreign["legacy"] = SparseBytes(GIB)
    orphaned()
    text = said("--delete", "--all", "--project", PROJECT)
    assert "volume legacy (1 GiB) has no row\n" in text
    assert stored() == set()
    assert "legacy" in memory_pool.pool("mem1").foreign


@pytest.mark.parametrize("words", [("--delete",), ("--adopt", "--all"), ("--delete", "--project", PROJECT)])
def test_what_is_meant_and_whose_it_is_to_be_must_be_said(words):
    orphaned()
    before = stored()
    with pytest.raises(CommandError):
        said(*words)
    assert stored() == before
