"""Celery entry points of volume workers, one line each."""

from celery import Task, shared_task

from storage_site.operations.doorbell import Doorbell
from storage_site.operations.perform import perform
from volumes.workflows import connect as connect_workflow
from volumes.workflows import create, delete, extend, group, image, manage, move, snapshot
from volumes.workflows import disconnect as disconnect_workflow


@shared_task(base=Doorbell, bind=True)
def create_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Make a volume that has been placed."""
    perform(self, operation_id, create.run)


@shared_task(base=Doorbell, bind=True)
def delete_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Remove a volume."""
    perform(self, operation_id, delete.run)


@shared_task(base=Doorbell, bind=True)
def extend_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Make a volume larger."""
    perform(self, operation_id, extend.run)


@shared_task(base=Doorbell, bind=True)
def revert_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give a volume the content of its newest snapshot again."""
    perform(self, operation_id, snapshot.revert)


@shared_task(base=Doorbell, bind=True)
def download_image(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give a volume what an image holds."""
    perform(self, operation_id, image.download)


@shared_task(base=Doorbell, bind=True)
def upload_image(self: Task, *, operation_id: str, **_later: object) -> None:
    """Keep what a volume holds as an image."""
    perform(self, operation_id, image.upload)


@shared_task(base=Doorbell, bind=True)
def lend_to_move(self: Task, *, operation_id: str, **_later: object) -> None:
    """Lend a volume to a worker of the back-end that it is moved to."""
    perform(self, operation_id, move.lend)


@shared_task(base=Doorbell, bind=True)
def move_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Make a volume of another back-end here."""
    perform(self, operation_id, move.copy)


@shared_task(base=Doorbell, bind=True)
def manage_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Take over what is on the storage."""
    perform(self, operation_id, manage.take_over)


@shared_task(base=Doorbell, bind=True)
def unmanage_volume(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give a volume up with its data kept."""
    perform(self, operation_id, manage.give_up)


@shared_task(base=Doorbell, bind=True)
def manage_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Take over a snapshot that is on the storage."""
    perform(self, operation_id, manage.take_over_snapshot)


@shared_task(base=Doorbell, bind=True)
def unmanage_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give a snapshot up with its data kept."""
    perform(self, operation_id, manage.give_up_snapshot)


@shared_task(base=Doorbell, bind=True)
def take_survey(self: Task, *, operation_id: str, **_later: object) -> None:
    """Look what is on the storage."""
    perform(self, operation_id, manage.survey)


@shared_task(base=Doorbell, bind=True)
def create_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Keep what a volume holds."""
    perform(self, operation_id, snapshot.create)


@shared_task(base=Doorbell, bind=True)
def delete_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give up what was kept."""
    perform(self, operation_id, snapshot.delete)


@shared_task(base=Doorbell, bind=True)
def create_group_from_source(self: Task, *, operation_id: str, **_later: object) -> None:
    """Make the volumes of a group that is made from a snapshot of one, or from another one."""
    perform(self, operation_id, group.create_from_source)


@shared_task(base=Doorbell, bind=True)
def create_group_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Keep what all volumes of a group hold."""
    perform(self, operation_id, group.create_snapshot)


@shared_task(base=Doorbell, bind=True)
def delete_group_snapshot(self: Task, *, operation_id: str, **_later: object) -> None:
    """Give up what was kept of a group."""
    perform(self, operation_id, group.delete_snapshot)


@shared_task(base=Doorbell, bind=True)
def delete_group(self: Task, *, operation_id: str, **_later: object) -> None:
    """Remove a group together with its volumes."""
    perform(self, operation_id, group.delete)


@shared_task(base=Doorbell, bind=True)
def connect(self: Task, *, operation_id: str, **_later: object) -> None:
    """Let a host in."""
    perform(self, operation_id, connect_workflow.run)


@shared_task(base=Doorbell, bind=True)
def disconnect(self: Task, *, operation_id: str, **_later: object) -> None:
    """Shut a host out and forget the attachment."""
    perform(self, operation_id, disconnect_workflow.run)


@shared_task(base=Doorbell, bind=True)
def unexport(self: Task, *, operation_id: str, **_later: object) -> None:
    """Shut a host out, keeping the attachment."""
    perform(self, operation_id, disconnect_workflow.unexport)
