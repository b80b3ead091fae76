"""Celery entry points of idempotency keys."""

from celery import shared_task

from storage_site.idempotency import keys


@shared_task
def forget() -> int:
    """Delete the keys whose day is over; run by beat in its own process."""
    return keys.forget()
