"""Volumes moved, retyped, attached, called off and deleted by many at once: it ends, and nothing is mixed up."""

import random
from functools import partial

import pytest
from celery import current_app
from django.utils import timezone
from workers import told

from drivers import memory_pool
from drivers.types import Fence
from scheduling import algorithm
from storage_site import queues
from storage_site.errors import StorageError
from storage_site.operations.calling_off import call_off, is_cancellable
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.factories import VolumeFactory, VolumeTypeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes import backends
from volumes.models import Attachment, Volume, VolumeType
from volumes.reporting import report_of
from volumes.services import attachments, connections, moving
from volumes.services import volumes as services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases, pytest.mark.slow]
KEYS = ("mem1", "mem2")
ROUNDS = 60


@pytest.fixture(autouse=True)
def fleet(settings):
    settings.CONNECT_WAIT_S = 0
    settings.WEB_THREADS = 16
    settings.MOVE_JOBS = 8
    algorithm.configured.cache_clear()
    for key in KEYS:
        beat(queues.of_backend(key))
        VolumeTypeFactory(name=key, extra_specs={"volume_backend_name": key})
    VolumeTypeFactory(name="any")
    told([report_of(key, backends.driver(key)) for key in KEYS])
    for module in ("volumes.tasks", "scheduling.tasks"):
        current_app.loader.import_task_module(module)
    yield
    algorithm.configured.cache_clear()


def work():
    for operation in Operation.objects.filter(outcome="", owner="").order_by("serial"):
        current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})


def settle_down():
    for _turn in range(12):
        Operation.objects.filter(outcome="").update(owner="", lease_until=None, not_before=timezone.now())
        work()


def on_a_volume(dice, caller):
    volume = dice.choice(list(Volume.objects.exclude(migration_status="deleting")))
    key = dice.choice(KEYS)
    wanted = VolumeType.objects.get(name=dice.choice([*KEYS, "any"]))
    moves = [
        partial(moving.migrate_volume, host=f"celinder@{key}#{key}", is_locked=dice.random() < 0.5),
        partial(moving.retype_volume, volume_type=wanted, may_move=dice.random() < 0.8),
    ]
    uses = [
        partial(attachments.create_attachment, connector=dice.choice([{"host": "h"}, None])),
        partial(connections.initialize_connection, connector={"host": "h"}),
    ]
    ends = [
        services.unreserve,
        connections.detach_volume,
        partial(connections.terminate_connection, connector=None),
    ]
    others = [
        partial(services.delete_volume, force=dice.random() < 0.5),
        partial(services.reset_status, migration_status="none"),
        partial(services.reset_status, status="available", attach_status="detached"),
        partial(services.set_bootable, is_bootable=True),
    ]
    call = dice.choice(dice.choices([moves, uses, ends, others], [10, 2, 5, 1])[0])
    call(volume=volume, caller=caller)


def on_an_operation(dice, caller):
    found = [one for one in Operation.objects.filter(outcome="") if is_cancellable(one)]
    if found:
        call_off(operation=dice.choice(found), caller=caller)


def on_an_attachment(dice, caller):
    found = list(Attachment.objects.filter(is_listed=True))
    if found:
        attachments.delete_attachment(attachment=dice.choice(found), caller=caller)


def client(seed, caller):
    dice = random.Random(seed)  # noqa: S311 - the same calls each time
    for _call in range(ROUNDS):
        try:
            weights = {on_a_volume: 10, on_an_attachment: 3, on_an_operation: 1}
            dice.choices(list(weights), list(weights.values()))[0](dice, caller)
        except (StorageError, IndexError):
            pass  # refused, the worker was slow, or there is no volume any more
        if dice.random() < 0.5:
            work()


def worker():
    for _turn in range(ROUNDS):
        work()


def keeper():
    for _turn in range(ROUNDS // 4):
        sweep()


@pytest.mark.parametrize("seed", range(4))
def test_moves_at_once_end_and_mix_nothing_up(admin, caplog, seed):
    marks = {}
    for number in range(5):
        volume = VolumeFactory(volume_type=VolumeType.objects.get(name="any"))
        backends.driver("mem1").create_volume(volume.ref(), Fence(0, 1))
        marks[volume.pk] = f"volume number {number}".encode()
        memory_pool.pool("mem1").volumes[str(volume.pk)].content.write(memoryview(marks[volume.pk]), 12345)
    clients = [partial(client, 10 * seed + number, admin) for number in range(3)]
    assert at_once(*clients, worker, worker, keeper) == [None] * 6
    settle_down()
    assert not Operation.objects.filter(outcome="").exists()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert Operation.objects.filter(task="volumes.tasks.move_volume").exists()
    assert not Attachment.objects.exclude(lent_to=None).exists()
    for key in KEYS:
        stored = memory_pool.pool(key).volumes
        assert set(stored) == {str(row.stored_as) for row in Volume.objects.filter(backend=key)}
    for row in Volume.objects.all():
        assert row.pk in marks, "a row that stood in is left"
        assert row.retyping_to is None
        assert row.status not in {"retyping", "maintenance", "deleting"}
        assert not row.is_moving
        content = memory_pool.pool(row.backend).volumes[str(row.stored_as)].content
        assert content.read(len(marks[row.pk]), 12345) == marks[row.pk]
