"""Completing the record of a backup that was imported: what the repository says of it counts."""

from backups import repositories
from backups.engine.manifest import read_manifest
from backups.models import Backup
from backups.recovery import fields_of
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure


def import_record(op: Claimed, backup: Backup) -> None:
    """Read the manifest, compare it with the record's digest if that has one, and fill the row.

    :raises PermanentFailure: if it is not the backup that was admitted. Raises as `read_manifest`.
    """
    if refusal := op.operation.arguments.get("refusal"):
        raise PermanentFailure("backup-record-wrong", refusal)
    _, repository = repositories.open_repository(backup.target)
    if not repository.has_key(backup.stored_in):
        raise PermanentFailure("backup-missing", "There is no such backup where the record says.")
    store = repositories.open_store(backup.target, backup.stored_in)
    wanted = op.operation.arguments.get("digest")
    manifest, digest = read_manifest(store, str(backup.pk), digest=bytes.fromhex(wanted) if wanted else None)
    fields = fields_of(manifest, digest)
    if fields["size_gib"] != backup.size_gib:  # which the quota has admitted
        raise PermanentFailure("backup-record-wrong", f"The backup has {fields['size_gib']} GiB, the record another.")
    op.finish(**fields)
