"""Removing a backup: its manifest, what an unfinished attempt left, and the row; data go when nothing needs them."""

from functools import partial

from backups import models, repositories
from backups.engine.errors import NotARepository
from backups.engine.pipeline import abandon
from backups.engine.repository import ProjectStore
from backups.models import Backup
from backups.repositories import NotServed
from backups.settling import give_up_source
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure


def run(op: Claimed, backup: Backup) -> None:
    """Remove the backup from the repository, then its row.

    :raises PermanentFailure: if there is no such target or repository any more.
    """
    store = _store_of(backup)
    if store is not None:
        abandon(store, str(backup.pk))
    op.finish(also=partial(give_up_source, backup))


def _store_of(backup: Backup) -> ProjectStore | None:
    """Return where the backup is; None if nothing of it can be anywhere."""
    if not models.Repository.objects.filter(target=backup.target).exists():
        return None  # the target has never been used
    try:
        _, repository = repositories.open_repository(backup.target)
        if not repository.has_key(backup.stored_in):
            return None  # the project has never stored anything, or was shredded
        return repositories.open_store(backup.target, backup.stored_in)
    except NotServed as error:
        if isinstance(error.__cause__, NotARepository):
            raise PermanentFailure("backup-repository-unknown", str(error)) from error
        raise
