"""What can go wrong with backups, with the texts and codes of the contract (04)."""

from storage_site.errors import InvalidRequest, NotFound, OverLimit, StateConflict, Unavailable


class BackupNotFound(NotFound):
    """There is no such backup in the caller's sight."""

    code = "backup-not-found"

    def __init__(self, backup_id: object) -> None:
        super().__init__(f"Backup {backup_id} could not be found.")


class InvalidBackup(StateConflict):
    """The backup's state does not admit this."""

    code = "invalid-backup"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid backup: {reason}")


class BackupServiceMissing(NotFound):
    """Service cinder-backup could not be found: the place where the backup is kept is not configured any more."""

    code = "backup-service-missing"


class NoBackupService(Unavailable):
    """Service cinder-backup could not be found: there is no place where backups could be kept."""

    code = "no-backup-service"


class InvalidRecord(InvalidRequest):
    """What is to be imported is no record of a backup."""

    code = "invalid-backup-record"


class BackupLimitExceeded(OverLimit):
    """The project has as many backups as it may."""

    code = "backup-limit"

    def __init__(self, limit: int) -> None:
        super().__init__(f"BackupLimitExceeded: Maximum number of backups allowed ({limit}) exceeded")


class BackupSizeExceeded(OverLimit):
    """The project's backups are as large as they may be."""

    code = "backup-gigabytes-limit"

    def __init__(self, requested: int, limit: int, used: int) -> None:
        super().__init__(
            "VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes quota. "
            f"Requested {requested}G, quota is {limit}G and {used}G has been consumed."
        )
