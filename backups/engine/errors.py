"""What can go wrong in a backup repository, in the families of `drivers.errors`."""

from drivers.errors import DriverError, PermanentDriverError, TransientDriverError


class Damaged(PermanentDriverError):
    """Something in the repository is not what was written there."""

    code = "backup-damaged"


class NotARepository(PermanentDriverError):
    """The target holds no backup repository, or another one than expected."""

    code = "backup-repository-unknown"


class KeyMissing(PermanentDriverError):
    """None of the master keys at hand opens the key of this project."""

    code = "backup-key-missing"


class BackupMissing(PermanentDriverError):
    """The repository has no such backup."""

    code = "backup-missing"


class ManifestReplaced(Damaged):
    """The backup's manifest is genuine, but not the one that was written last."""

    code = "backup-manifest-replaced"


class VolumeTooSmall(PermanentDriverError):
    """The volume is smaller than the backup."""

    code = "backup-volume-too-small"


class CollectorBusy(TransientDriverError):
    """Somebody else tidies this project's part of the repository."""

    code = "backup-collector-busy"


class ChunksGone(TransientDriverError):
    """Chunks that this backup relies upon are gone; the next attempt stores them anew."""

    code = "backup-chunks-gone"


class Cancelled(DriverError):
    """The work was called off; neither family, for nothing went wrong."""

    code = "backup-cancelled"
