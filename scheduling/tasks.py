"""Celery entry points of the scheduler queue, one line each."""

from celery import Task, shared_task

from scheduling.workflows import place_group as place_group_workflow
from scheduling.workflows import place_moved
from scheduling.workflows import place_volume as place_volume_workflow
from storage_site.operations.doorbell import Doorbell
from storage_site.operations.perform import perform


@shared_task(base=Doorbell, bind=True)
def place_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Choose the back-end for a new volume."""
    perform(self, operation_id, place_volume_workflow.run)


@shared_task(base=Doorbell, bind=True)
def place_group(self: Task, *, operation_id: str, **_later: object) -> None:
    """Choose the back-end for a new group."""
    perform(self, operation_id, place_group_workflow.run)


@shared_task(base=Doorbell, bind=True)
def place_retyped(self: Task, *, operation_id: str, **_later: object) -> None:
    """Find out where a volume that changes its type can live."""
    perform(self, operation_id, place_moved.retype)


@shared_task(base=Doorbell, bind=True)
def place_migrated(self: Task, *, operation_id: str, **_later: object) -> None:
    """Find out whether a volume can live where it is wanted."""
    perform(self, operation_id, place_moved.migrate)


@shared_task(base=Doorbell, bind=True)
def place_managed(self: Task, *, operation_id: str, **_later: object) -> None:
    """Find out whether what is on a storage can be a volume there."""
    perform(self, operation_id, place_moved.manage)
