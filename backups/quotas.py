"""What a project's backups take up of its limits: counted from the rows, under the project's lock."""

from collections.abc import Mapping

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from backups.errors import BackupLimitExceeded, BackupSizeExceeded
from backups.models import Backup
from volumes.models import ProjectLock
from volumes.quotas import UNLIMITED, limits_of


def usage_of(project_id: str) -> Mapping[str, int]:
    """Return what the project uses, by the names of the limits. Every backup counts with its volume's whole size."""
    rows = Backup.objects.filter(project_id=project_id)
    return rows.aggregate(backups=Count("pk"), backup_gigabytes=Coalesce(Sum("size_gib"), 0))


def admit_backup(*, project_id: str, size_gib: int) -> None:
    """Lock the project and make sure that one more backup fits. To be called in the transaction that adds it.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits, usage = limits_of(project_id), usage_of(project_id)
    if limits["backups"] != UNLIMITED and usage["backups"] + 1 > limits["backups"]:
        raise BackupLimitExceeded(limits["backups"])
    gigabytes = limits["backup_gigabytes"]
    if gigabytes != UNLIMITED and usage["backup_gigabytes"] + size_gib > gigabytes:
        raise BackupSizeExceeded(size_gib, gigabytes, usage["backup_gigabytes"])
