"""Backups and restores for tests: accepted as services do it, carried out by the workers' own tasks in this process."""

import random
import uuid
from contextlib import contextmanager
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone

import backups.tasks  # noqa: F401 - makes the tasks known
import volumes.tasks  # noqa: F401 - likewise
from backups.models import Backup, Repository
from backups.services.backups import create_backup, delete_backup
from backups.services.restores import restore_backup
from backups.sources import BackupSource
from drivers.connect import Connection, open_connection
from drivers.types import GIB, Connector, ExportRequest, Fence
from storage_site.caller import Caller
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from volumes import backends
from volumes.models import Attachment, Snapshot, Volume

MIB = 1024**2
TARGET = "shelf"
CALLER = Caller(user_id="1" * 32, project_id="a" * 32, roles=frozenset({"member"}))


@contextmanager
def opened(volume: Volume):
    """Give a connection to the volume, as a host has one."""
    driver, attachment = _plain_driver(volume), str(uuid.uuid4())
    info = driver.export(volume.ref(), ExportRequest(attachment, Connector("h")), Fence(10**6, 1))
    with open_connection(info) as connection:
        yield connection
        connection.flush()
    driver.unexport(volume.ref(), attachment, Fence(10**6, 1))


def fill(connection: Connection, *places_mib: int, seed: int = 1) -> None:
    """Write a MiB of noise at each of the places."""
    for place in places_mib:
        connection.pwrite(random.Random(f"{seed}/{place}").randbytes(MIB), place * MIB)  # noqa: S311 - content only


def content(volume: Volume) -> dict[int, bytes]:
    """Return the MiBs of the volume that are not zeros, by their places."""
    found = {}
    with opened(volume) as connection:
        for extent in list(connection.extents()):
            for place in (
                range(extent.offset // MIB, -(-(extent.offset + extent.length) // MIB)) if extent.is_data else ()
            ):
                found[place] = bytes(connection.pread(MIB, place * MIB))
    return {place: one for place, one in found.items() if any(one)}


def accept_backup(volume: Volume, *, snapshot: Snapshot | None = None, is_incremental: bool = False) -> Backup:
    """Accept a backup of the volume, or of its snapshot."""
    volume.refresh_from_db()
    return create_backup(
        caller=CALLER, volume=volume, snapshot=snapshot, is_incremental=is_incremental, is_in_use_admitted=True
    )


def accept_restore(backup: Backup, volume: Volume, *, is_fresh: bool = False) -> Operation:
    """Accept that the volume be given what the backup holds; it is fresh where one is made for that."""
    backup.refresh_from_db()
    if is_fresh:
        with transaction.atomic():
            BackupSource(backup).promise(volume, CALLER)
            arguments = {"backup_id": str(backup.pk), "is_fresh": True}
            return begin(volume, "restore", caller=CALLER, arguments=arguments)
    restore_backup(caller=CALLER, backup=backup, volume_id=str(volume.pk))
    return waiting()[-1]


def accept_deletion(backup: Backup, *, force: bool = False) -> Operation:
    backup.refresh_from_db()
    delete_backup(backup=backup, caller=CALLER, force=force)
    return waiting()[-1]


def step(operation: Operation) -> Operation:
    """Have the next worker take the operation up now; return it as it is then."""
    Operation.objects.filter(pk=operation.pk, outcome="").update(not_before=timezone.now())
    operation.refresh_from_db()
    current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
    operation.refresh_from_db()
    return operation


def waiting() -> list[Operation]:
    return list(Operation.objects.filter(outcome="").order_by("serial"))


def work(*, most: int = 40) -> None:
    """Have workers do all there is to be done."""
    for _turn in range(most):
        found = waiting()
        if not found:
            return
        for operation in found:
            step(operation)
    raise AssertionError(f"still not done: {[(one.verb, one.task, one.fault_detail) for one in waiting()]}")


def backed_up(volume: Volume, **more: Any) -> Backup:
    """Return a finished backup of the volume."""
    made = accept_backup(volume, **more)
    work()
    made.refresh_from_db()
    assert made.status == "available", made.fail_reason
    volume.refresh_from_db()
    return made


def restored(backup: Backup, volume: Volume, **more: Any) -> Volume:
    """Return the volume after a restore."""
    operation = accept_restore(backup, volume, **more)
    work()
    operation.refresh_from_db()
    assert operation.outcome == "succeeded", operation.fault_detail
    volume.refresh_from_db()
    backup.refresh_from_db()
    assert (volume.status, backup.status, backup.restoring_volume_id) == ("available", "available", None)
    return volume


def another_volume(like: Volume, size_gib: int = 0, **fields: Any) -> Volume:
    """Return a further volume on the same back-end."""
    made = Volume(
        project_id=like.project_id, user_id=like.user_id, size_gib=size_gib or like.size_gib, status="available",
        availability_zone="nova", backend=like.backend, pool=like.pool, volume_type=like.volume_type,
        **fields,
    )  # fmt: skip
    made.save(force_insert=True)
    _plain_driver(made).create_volume(made.ref(), Fence(0, 1))
    return made


def nothing_is_lent(volume: Volume) -> bool:
    """Tell whether no export, no lent attachment and no snapshot but the base of the next backup is left."""
    driver = _plain_driver(volume)
    assert not driver.exports(volume.ref())
    assert not Attachment.objects.exclude(lent_to=None).exists()
    there = {ref.id for ref in driver.list_snapshots()}
    assert there == {str(pk) for pk in Snapshot.objects.values_list("pk", flat=True)}
    return True


def whole(volume: Volume) -> int:
    return volume.size_gib * GIB


def repository() -> Repository:
    return Repository.objects.get(target=TARGET)


def _plain_driver(volume: Volume):
    driver = backends.driver(volume.backend)
    return getattr(driver, "inner", driver)
