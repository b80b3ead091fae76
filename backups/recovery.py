"""Rows of backups from what their repository says of them: for records that are imported, and after a disaster."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from backups import models, repositories
from backups.engine.errors import BackupMissing, Damaged
from backups.engine.manifest import Manifest, backup_ids, read_manifest
from backups.engine.repository import ProjectStore
from backups.models import Backup
from drivers.types import GIB
from storage_site.caller import Caller
from storage_site.operations.admission import move

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A backup in a repository, and whether a row was made of it: why not, if not."""

    backup_id: str
    project_id: str
    trouble: str = ""


def recover(*, target: str, project_id: str | None = None, caller: Caller) -> Iterator[Found]:
    """Make rows of all backups in a repository, or one project's, that have none; yield what becomes of each.

    :raises NotServed: if the target cannot be used here.
    """
    row, repository = repositories.open_repository(target)
    for project in [project_id] if project_id else sorted(set(repository.projects())):
        yield from _recover_project(row, repositories.store_in(row, repository, project), caller)


def _recover_project(row: models.Repository, store: ProjectStore, caller: Caller) -> Iterator[Found]:
    for backup_id in list(backup_ids(store)):
        if Backup.objects.filter(pk=backup_id).exists():
            yield Found(backup_id, store.project_id, "there is a row already")
            continue
        try:
            manifest, digest = read_manifest(store, backup_id)
        except (BackupMissing, Damaged) as error:
            yield Found(backup_id, store.project_id, str(error))
            continue
        made = Backup(pk=backup_id, target=row.target, stored_in=store.project_id, **_described(manifest, store))
        with transaction.atomic():
            move(made, "recover", caller=caller, fields=fields_of(manifest, digest))
        yield Found(backup_id, store.project_id)


def fields_of(manifest: Manifest, digest: bytes) -> dict[str, Any]:
    """Return what a row gets of what cannot be known without the repository."""
    return {
        "digest": digest,
        "volume_id": manifest.volume_id,
        "parent_id": manifest.parent_id,
        "size_gib": -(-manifest.geometry.volume_bytes // GIB),
        "object_count": manifest.packs,
        "chunks_bytes": manifest.chunks_bytes,
        "stored_bytes": manifest.stored_bytes,
        "volume_properties": manifest.metadata.get("volume_properties") or {},
    }


def _described(manifest: Manifest, store: ProjectStore) -> dict[str, Any]:
    """Return what the service once said of the backup itself; another program may have written it without that."""
    said = manifest.metadata
    taken_at = _moment(said.get("data_timestamp")) or _moment(manifest.created_at)
    return {
        "project_id": said.get("project_id") or store.project_id,
        "user_id": said.get("user_id") or "",
        "name": said.get("name"),
        "description": said.get("description"),
        "metadata": said.get("metadata") or {},
        "snapshot_id": said.get("snapshot_id"),
        "availability_zone": said.get("availability_zone"),
        "container": said.get("container"),
        "created_at": _moment(said.get("created_at")) or taken_at,
        "data_timestamp": taken_at,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
