"""A backup as something that a volume can be made from (contract 02 section 2, contract 04 section 5)."""

from backups import placing
from backups.errors import BackupNotFound, InvalidBackup
from backups.models import Backup
from storage_site.caller import Caller
from storage_site.operations.admission import move
from volumes.models import Volume
from volumes.sources import Inheritance, Source


class BackupSource(Source):
    """A backup: the volume is made blank, wherever placement likes, and then restored into."""

    kind = "backup"

    def __init__(self, backup: Backup) -> None:
        self._backup, self.size_gib = backup, backup.size_gib

    def promise(self, volume: Volume, caller: Caller) -> None:
        """Keep the backup for this volume until it has been restored. :raises InvalidBackup: unless available."""
        refusal = InvalidBackup("Backup status must be available")
        fields = {"restoring_volume_id": volume.pk}
        move(self._backup, "begin_restoring", caller=caller, fields=fields, refusal=refusal)

    def _inheritance(self) -> Inheritance:
        placing.require_target(self._backup)
        following = {"verb": "restore", "arguments": {"backup_id": str(self._backup.pk), "is_fresh": True}}
        return Inheritance(arguments={"then": following})


def find(caller: Caller, backup_id: str) -> Source:
    """Return the backup that a create request names. :raises BackupNotFound: if the caller can see none."""
    found = Backup.objects.visible_to(caller).filter(pk=backup_id).first()
    if found is None:
        raise BackupNotFound(backup_id)
    return BackupSource(found)
