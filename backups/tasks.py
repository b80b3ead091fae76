"""Celery entry points of backups, one line each: three of volume workers, one of beat, the others of backup workers."""

from celery import Task, shared_task

from backups.services import repositories
from backups.workflows import create, delete, records, upkeep
from backups.workflows import restore as restore_workflow
from storage_site.operations.doorbell import Doorbell
from storage_site.operations.perform import perform


@shared_task(base=Doorbell, bind=True)
def open_source(self: Task, *, operation_id: str, **_later: object) -> None:
    """Take what is to be backed up, and lend it to a backup worker."""
    perform(self, operation_id, create.open_source)


@shared_task(base=Doorbell, bind=True)
def back_up(self: Task, *, operation_id: str, **_later: object) -> None:
    """Carry it to the repository."""
    perform(self, operation_id, create.back_up)


@shared_task(base=Doorbell, bind=True)
def open_target(self: Task, *, operation_id: str, **_later: object) -> None:
    """Lend a volume to a backup worker."""
    perform(self, operation_id, restore_workflow.open_target)


@shared_task(base=Doorbell, bind=True)
def restore(self: Task, *, operation_id: str, **_later: object) -> None:
    """Write into it what a backup holds."""
    perform(self, operation_id, restore_workflow.restore)


@shared_task(base=Doorbell, bind=True)
def close_target(self: Task, *, operation_id: str, **_later: object) -> None:
    """Take it back."""
    perform(self, operation_id, restore_workflow.close_target)


@shared_task(base=Doorbell, bind=True)
def delete_backup(self: Task, *, operation_id: str, **_later: object) -> None:
    """Remove a backup."""
    perform(self, operation_id, delete.run)


@shared_task(base=Doorbell, bind=True)
def import_record(self: Task, *, operation_id: str, **_later: object) -> None:
    """Complete the record of a backup from its repository."""
    perform(self, operation_id, records.import_record)


@shared_task(base=Doorbell, bind=True)
def collect(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give room back that no backup needs."""
    perform(self, operation_id, upkeep.collect)


@shared_task(base=Doorbell, bind=True)
def verify(self: Task, *, operation_id: str, **_later: object) -> None:
    """Look whether everything is as it was written."""
    perform(self, operation_id, upkeep.verify)


@shared_task(base=Doorbell, bind=True)
def rotate(self: Task, *, operation_id: str, **_later: object) -> None:
    """Wrap projects' keys anew."""
    perform(self, operation_id, upkeep.rotate)


@shared_task
def begin_what_is_due() -> int:
    """Begin the upkeep of repositories that is due; run by beat in its own process."""
    return repositories.begin_what_is_due()
