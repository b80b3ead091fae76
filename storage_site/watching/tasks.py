"""Celery entry points of watching: one of every worker, the others of beat."""

from typing import Any

from celery import Task, shared_task

from storage_site.operations.doorbell import Doorbell
from storage_site.operations.perform import perform
from storage_site.watching import canaries, singing, tally


@shared_task(base=Doorbell, bind=True)  # type: ignore[untyped-decorator] # likewise
def sing(self: Task, *, operation_id: str, **_later: Any) -> None:
    """Answer a canary."""
    perform(self, operation_id, singing.run)


@shared_task  # type: ignore[untyped-decorator] # celery carries no types
def send_canaries() -> int:
    """Send each queue its canary; run by beat in its own process."""
    return canaries.send()


@shared_task  # type: ignore[untyped-decorator] # celery carries no types
def add_up() -> int:
    """Add up which operations have ended; run by beat in its own process."""
    return tally.add_up()
