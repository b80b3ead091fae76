"""How fast a project's backups may move data, in this process: one bucket per project for all its jobs."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from drivers.backup.limited import TokenBucket
from storage_site.operations import shutdown
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import LeaseLost

MIB = 1024**2


def limit_for(op: Claimed, project_id: str) -> Callable[[int], None]:
    """Return what waits until so many bytes may be moved for this project's backups.

    A wait ends with LeaseLost or HandBack when the operation is to go on here no longer.
    """
    rate = settings.BACKUP_PROJECT_MAX_MIB_PER_S * MIB
    if not rate:
        return lambda _bytes: None
    bucket, portion = _bucket(project_id, rate), max(1, rate // 4)

    def take(count: int) -> None:
        for begun in range(0, count, portion):
            shutdown.raise_if_requested()
            if not op.is_held:
                raise LeaseLost
            bucket.take(min(portion, count - begun))

    return take


@cache
def _bucket(_project_id: str, rate: int) -> TokenBucket:
    return TokenBucket(rate)
