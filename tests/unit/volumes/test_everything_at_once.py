"""Clients, workers, the sweep and an operator on the same few volumes: whatever they do, it ends and adds up."""

import random
from functools import partial

import pytest
from celery import current_app
from django.utils import timezone

from storage_site.errors import StorageError
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.unit.storage_site.operations.conftest import at_once
from tests.unit.volumes.conftest import work
from volumes import backends
from volumes.models import Attachment, Volume
from volumes.services import attachments, connections
from volumes.services import volumes as services
from volumes.tending import tend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases, pytest.mark.slow]
HOSTS = ("h1", "h2")
ROUNDS = 60


def one_of(dice: random.Random, rows):
    found = list(rows)
    return dice.choice(found) if found else None


def on_a_volume(dice: random.Random, caller) -> None:
    volume = one_of(dice, Volume.objects.all())
    if volume is None:
        return
    connector = {"host": dice.choice(HOSTS)}
    call = dice.choice(
        [
            partial(services.begin_attaching),
            partial(services.unreserve),
            partial(services.begin_detaching),
            partial(services.roll_detaching),
            partial(services.delete_volume, force=dice.random() < 0.3),
            partial(connections.initialize_connection, connector=connector),
            partial(connections.terminate_connection, connector=connector),
            partial(connections.attach_volume, mountpoint="/dev/vdb", host_name=connector["host"]),
            partial(connections.detach_volume),
            partial(attachments.create_attachment, connector=dice.choice([connector, None])),
            partial(services.reset_status, status=dice.choice(["available", "error"])),
        ]
    )
    call(volume=volume, caller=caller)


def on_an_attachment(dice: random.Random, caller) -> None:
    attachment = one_of(dice, Attachment.objects.filter(is_listed=True))
    if attachment is None:
        return
    call = dice.choice(
        [
            partial(attachments.connect_attachment, connector={"host": dice.choice(HOSTS)}),
            attachments.complete_attachment,
            attachments.delete_attachment,
        ]
    )
    call(attachment=attachment, caller=caller)


def client(seed: int, caller) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same calls each time
    for _call in range(ROUNDS):
        try:
            dice.choice([on_a_volume, on_an_attachment])(dice, caller)
        except StorageError:
            continue  # refused, or the worker was slow


def worker(_caller=None) -> None:
    for _turn in range(ROUNDS):
        work()


def keeper() -> None:
    for _turn in range(ROUNDS // 4):
        sweep()
        tend("mem1", backends.driver("mem1"))


def given_up_deletions() -> set[str]:
    """Return the volumes of whose deletion a reset made nothing, when the storage may have gone already."""
    given_up = Operation.objects.filter(verb__in=["delete", "force_delete"], outcome="cancelled")
    return {str(pk) for pk in given_up.values_list("resource_id", flat=True)}


@pytest.mark.parametrize("seed", range(4))
def test_everything_at_once_ends_and_adds_up(on_storage, admin, settings, caplog, seed):
    settings.CONNECT_WAIT_S = 0
    settings.WEB_THREADS = 16
    current_app.loader.import_task_module("volumes.tasks")
    for number in range(4):
        on_storage(is_multiattach=bool(number % 2))
    clients = [partial(client, 10 * seed + number, admin) for number in range(3)]
    results = at_once(*clients, worker, worker, keeper)
    assert results == [None] * 6
    for _turn in range(5):
        Operation.objects.filter(outcome="").update(owner="", lease_until=None, not_before=timezone.now())
        work()
    assert not Operation.objects.filter(outcome="").exists()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    driver = backends.driver("mem1")
    tend("mem1", driver)
    for volume in Volume.objects.all():
        ours = {str(pk) for pk in volume.attachments.exclude(export_operation=None).values_list("pk", flat=True)}
        assert driver.exports(volume.ref()) <= ours
        assert volume.status not in {"creating", "deleting"}
        assert not volume.attachments.filter(status="detaching").exists()
    stored = {ref.id for ref in driver.list_volumes()}
    rows = {str(pk) for pk in Volume.objects.values_list("pk", flat=True)}
    assert stored <= rows
    assert rows - stored <= given_up_deletions()
