"""Which target a backup goes to, by what its client asks for (contract 04 section 2)."""

from django.conf import settings

from backups import targets
from backups.errors import BackupServiceMissing, NoBackupService
from backups.models import Backup
from volumes.errors import InvalidInput


def choose(*, container: str | None, availability_zone: str | None) -> str:
    """Return the key of the target for a new backup.

    A container that is the key of a target means this one. Else it is the default target, or where a zone is asked
    for and that is not in it, the first one that is.

    :raises InvalidInput: if no target is in the zone, or the named one is not. :raises NoBackupService: without any
        target.
    """
    if not settings.BACKUP_TARGETS:
        raise NoBackupService
    named = container if container in settings.BACKUP_TARGETS else None
    if availability_zone is None:
        return named or targets.default()
    of_zone = [key for key in settings.BACKUP_TARGETS if targets.zone_of(key) == availability_zone]
    if not of_zone or (named and named not in of_zone):
        raise InvalidInput(f"Availability zone '{availability_zone}' is invalid.")
    return named or (targets.default() if targets.default() in of_zone else of_zone[0])


def is_configured(target: str) -> bool:
    """Tell whether the settings name the target, so that some worker may reach it."""
    return target in settings.BACKUP_TARGETS


def require_target(backup: Backup) -> None:
    """Make sure that what holds the backup can be reached. :raises BackupServiceMissing: if nobody serves it."""
    if not is_configured(backup.target):
        raise BackupServiceMissing
