"""Making a backup: a volume worker takes the source and lends it, a backup worker carries it to the repository."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from backups import changes, repositories
from backups.engine import pipeline
from backups.engine.request import Options, Request, Result
from backups.models import Backup
from backups.settling import settle_source
from backups.workflows.lent import connections_to, hand_out, lending_of
from backups.workflows.telling import Teller, mirror_for
from drivers.types import GIB
from drivers.volume.base import VolumeDriver
from storage_site import queues
from storage_site.operations.admission import move
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends
from volumes.lending import lend_snapshot, take_back
from volumes.models import Snapshot
from volumes.settling import end_backup

MIB = 1024**2


def open_source(op: Claimed, backup: Backup) -> None:
    """Take the snapshot if it is made for this backup, find out what changed, and lend it to a backup worker.

    :raises PermanentFailure: if the source has gone.
    """
    source = _source_of(backup)
    driver = backends.driver(source.volume.backend)
    take_back(op, driver, backup)
    if source.status == "creating":
        op.step("kept", driver.create_snapshot, source.ref())
        op.note(also=partial(_taken, op, source))
    if backup.changed_chunks is None:
        _find_changes(op, driver, backup, source)
    hand_out(op, lend_snapshot(op, driver, source, backup), "backups.tasks.back_up")


def back_up(op: Claimed, backup: Backup) -> None:
    """Carry what was lent to the repository; an earlier attempt is gone on with.

    :raises PermanentFailure: if there is no such target. :raises TransientDriverError: if it is worth trying again.
    """
    source, attachment = _source_of(backup), lending_of(op)
    if attachment is None:
        queue = queues.of_backend(source.volume.backend)
        op.hand_over(task="backups.tasks.open_source", queue=queue, anew=False)
        return
    store = repositories.open_store(backup.target, backup.stored_in, create=True)
    hooks = Teller(op, backup.stored_in, keeps="sequence").hooks()
    with connections_to(attachment) as connections, mirror_for(op, store) as folder:
        request, options = _request(op, backup, source), Options(checkpoint_bytes=settings.BACKUP_CHECKPOINT_MIB * MIB)
        made = pipeline.back_up(store, connections, request, hooks=hooks, options=options, cache=folder)
    op.finish(also=partial(settle_source, backup), **_fields(made))


def _source_of(backup: Backup) -> Snapshot:
    found = Snapshot.objects.select_related("volume").filter(pk=backup.source_snapshot_id).first()
    if found is None:
        raise PermanentFailure("source-gone", "What was to be read for the backup was removed before.")
    return found


def _taken(op: Claimed, source: Snapshot) -> None:
    """Show the snapshot as what is being read, and the volume as it was before."""
    move(source, "take_source", caller=op.caller())
    end_backup(source.volume_id)


def _find_changes(op: Claimed, driver: VolumeDriver, backup: Backup, source: Snapshot) -> None:
    """Keep on the row where the source differs from the parent's, if that is certain, and not always relied upon."""
    whole = Backup.objects.filter(status__in=["available", "restoring"], target=backup.target)
    parent = whole.filter(pk=backup.parent_id, stored_in=backup.stored_in).first()
    if parent is None or parent.unread + 1 >= settings.BACKUP_FULL_READ_EVERY:
        return
    base = Snapshot.objects.filter(pk=parent.source_snapshot_id, volume=source.volume_id, status="available")
    since = base.select_related("volume").first()
    ranges = driver.changed_ranges(source.ref(), since.ref()) if since else None
    if ranges is not None:
        kept = changes.dump(source.size_gib * GIB, ranges)
        rows = Backup.objects.filter(pk=backup.pk)
        op.note(also=partial(rows.update, changed_chunks=kept, unread=parent.unread + 1))


def _request(op: Claimed, backup: Backup, source: Snapshot) -> Request:
    backup.refresh_from_db(fields=["changed_chunks"])
    kept = backup.changed_chunks
    parent = Backup.objects.filter(pk=backup.parent_id).first()
    return Request(
        backup_id=str(backup.pk),
        volume_id=str(backup.volume_id),
        source=str(source.pk),
        parent_id=str(backup.parent_id) if backup.parent_id else None,
        parent_digest=bytes(parent.digest) if parent and parent.digest else None,
        changed=changes.load(bytes(kept)) if kept is not None and parent else None,
        sequence=int(op.operation.checkpoint.get("sequence", 0)),
        metadata=_metadata(backup),
    )


def _metadata(backup: Backup) -> Mapping[str, Any]:
    """Return what stands in the repository beside the data, so that the row can be made anew from it."""
    taken_at = backup.data_timestamp or backup.created_at
    return {
        "name": backup.name,
        "description": backup.description,
        "metadata": backup.metadata,
        "project_id": backup.project_id,
        "user_id": backup.user_id,
        "snapshot_id": str(backup.snapshot_id) if backup.snapshot_id else None,
        "availability_zone": backup.availability_zone,
        "container": backup.container,
        "created_at": backup.created_at.isoformat(),
        "data_timestamp": taken_at.isoformat(),
        "volume_properties": backup.volume_properties,
    }


def _fields(made: Result) -> dict[str, Any]:
    """Return what the row keeps of a backup that was made."""
    return {
        "digest": made.digest,
        "object_count": made.manifest.packs,
        "chunks_bytes": made.manifest.chunks_bytes,
        "stored_bytes": made.manifest.stored_bytes,
        "changed_chunks": None,
        "fail_reason": None,
    }
