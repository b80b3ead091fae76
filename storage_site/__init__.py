"""The project: wiring on top, what all resources share below it, nothing about volumes."""

from storage_site.celery import app as celery_app

__all__ = ["celery_app"]
