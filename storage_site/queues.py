"""The names of the Celery queues: the only place where one is spelled."""

SCHEDULER = "scheduler"
BACKUP = "backup"


def of_backend(key: str) -> str:
    """Return the queue that the volume workers of back-end `key` consume."""
    return f"volume-{key}"
