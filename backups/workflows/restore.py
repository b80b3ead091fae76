"""Giving a volume what a backup holds: a volume worker lends it, a backup worker writes, the former takes it back."""

from functools import partial
from typing import Any

from django.conf import settings

from backups import repositories
from backups.engine import restore as engine
from backups.models import Backup
from backups.properties import fields_after_restore
from backups.settling import release_backup
from backups.workflows.lent import connections_to, hand_out, lending_of
from backups.workflows.telling import Teller, mirror_for
from drivers.types import GIB
from storage_site import queues
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends
from volumes.lending import lend_volume, take_back
from volumes.models import Volume

MIB = 1024**2


def open_target(op: Claimed, volume: Volume) -> None:
    """Shut out whoever wrote before, and lend the volume to a backup worker."""
    driver = backends.driver(volume.backend)
    take_back(op, driver, volume)
    hand_out(op, lend_volume(op, driver, volume, volume), "backups.tasks.restore")


def restore(op: Claimed, volume: Volume) -> None:
    """Write what the backup holds. An earlier attempt is gone on with: while this operation lasts nobody else writes.

    :raises PermanentFailure: if the backup has gone, or there is no such target. Raises as the engine's `restore`.
    """
    attachment = lending_of(op)
    if attachment is None:
        op.hand_over(task="backups.tasks.open_target", queue=queues.of_backend(volume.backend), anew=False)
        return
    backup = _backup_of(op)
    store = repositories.open_store(backup.target, backup.stored_in)
    hooks = Teller(op, backup.stored_in, keeps="position").hooks()
    digest = bytes(backup.digest) if backup.digest else None
    with connections_to(attachment) as connections, mirror_for(op, store) as folder:
        target = engine.Target(
            connections,
            is_fresh=bool(op.operation.arguments.get("is_fresh")),
            position=int(op.operation.checkpoint.get("position", 0)),
        )
        options = engine.Options(window_bytes=settings.BACKUP_CHECKPOINT_MIB * MIB)
        engine.restore(store, str(backup.pk), target, digest=digest, hooks=hooks, options=options, cache=folder)
    # Said once more, for the volume worker may be away: its time begins now.
    op.note(checkpoint={"position": volume.size_gib * GIB})
    op.hand_over(task="backups.tasks.close_target", queue=queues.of_backend(volume.backend), anew=False)


def close_target(op: Claimed, volume: Volume) -> None:
    """Take the volume back, and give it what else the backup keeps of the volume that it was made of."""
    take_back(op, backends.driver(volume.backend), volume)
    backup = Backup.objects.filter(pk=op.operation.arguments["backup_id"]).first()
    fields: dict[str, Any] = fields_after_restore(backup, volume) if backup else {}
    op.finish(also=partial(release_backup, backup) if backup else None, **fields)


def _backup_of(op: Claimed) -> Backup:
    found = Backup.objects.filter(pk=op.operation.arguments["backup_id"]).first()
    if found is None:
        raise PermanentFailure("source-gone", "The backup was removed before the volume was restored.")
    return found
