"""Celery entry points of the engine itself."""

from celery import shared_task

from storage_site.operations.sweep import sweep as _sweep


@shared_task  # type: ignore[untyped-decorator] # celery carries no types
def sweep() -> int:
    """Ring again for what waits; run by beat in its own process."""
    return _sweep()
