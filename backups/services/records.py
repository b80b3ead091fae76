"""Records of backups: with one, a service that reaches the repository can restore what another one made."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from backups import quotas, targets
from backups.errors import InvalidBackup, InvalidRecord, NoBackupService
from backups.models import Backup, Repository
from storage_site.caller import Caller
from storage_site.operations.admission import begin

SERVICE = "celinder.backups"
_EXISTS = "Backup already exists in database."


def record_of(backup: Backup) -> Mapping[str, Any]:
    """Return the backup with everything that makes a row again. :raises InvalidBackup: unless it is available."""
    if backup.status != "available":
        raise InvalidBackup("Backup status must be available and not restoring.")
    repository_id = Repository.objects.filter(target=backup.target).values_list("repository_id", flat=True).first()
    return {
        "id": str(backup.pk),
        "user_id": backup.user_id,
        "project_id": backup.project_id,
        "volume_id": str(backup.volume_id),
        "host": settings.CLUSTER_HOST,
        "availability_zone": backup.availability_zone,
        "container": backup.container,
        "parent_id": _text_of(backup.parent_id),
        "status": backup.status,
        "fail_reason": backup.fail_reason,
        "size": backup.size_gib,
        "display_name": backup.name,
        "display_description": backup.description,
        "service_metadata": str(backup.pk),
        "service": SERVICE,
        "object_count": backup.object_count,
        "temp_volume_id": None,
        "temp_snapshot_id": None,
        "snapshot_id": _text_of(backup.snapshot_id),
        "data_timestamp": _instant(backup.data_timestamp),
        "restore_volume_id": _text_of(backup.restoring_volume_id),
        "metadata": backup.metadata,
        "encryption_key_id": None,
        "num_dependent_backups": Backup.objects.filter(parent_id=backup.pk).count(),
        "created_at": _instant(backup.created_at),
        "updated_at": _instant(backup.updated_at),
        "deleted_at": None,
        "deleted": False,
        "driver_info": {
            "repository_id": _text_of(repository_id),
            "stored_in": backup.stored_in,
            "digest": bytes(backup.digest).hex() if backup.digest else None,
            "target": backup.target,
        },
    }


@transaction.atomic
def import_record(*, caller: Caller, service: str, columns: Mapping[str, Any]) -> Backup:
    """Accept that a backup is in a repository of ours, as the caller's; a worker looks.

    A record of another service, or one that is not whole, is accepted too: the backup ends in error, with the reason.

    :raises InvalidRecord: if it is of a repository that is not here.
    :raises InvalidBackup: if there is a backup of this id. :raises OverLimit: if a quota does not allow it.
    :raises NoBackupService: without any target.
    """
    if not settings.BACKUP_TARGETS:
        raise NoBackupService
    if Backup.objects.filter(pk=columns["id"]).exists():
        raise InvalidBackup(_EXISTS)
    quotas.admit_backup(project_id=caller.project_id, size_gib=columns["size"])
    refusal = _refusal_of(service, columns)
    if refusal:
        backup = _row_of_nothing(columns, caller)
        arguments: dict[str, Any] = {"refusal": refusal}
    else:
        place = columns["driver_info"]
        backup = _row_of(columns, _target_of(place))
        arguments = {"digest": place["digest"].hex() if place["digest"] else None}
    owner = {"project_id": caller.project_id, "user_id": caller.user_id}
    try:
        with transaction.atomic():
            begin(backup, "import_record", caller=caller, arguments=arguments, fields=owner)
    except IntegrityError as error:
        raise InvalidBackup(_EXISTS) from error
    return backup


def _refusal_of(service: str, columns: Mapping[str, Any]) -> str:
    """Return why there cannot be a backup of this record, "" if there can."""
    if {service, columns.get("service")} != {SERVICE}:
        return f"Import record failed, cannot find backup service to perform the import. Request service {service}."
    return "" if "driver_info" in columns else "Import record failed, the record misses members."


def _row_of_nothing(columns: Mapping[str, Any], caller: Caller) -> Backup:
    """Return a row for a record that there is no backup of."""
    now, target = timezone.now(), targets.default()
    return Backup(
        pk=columns["id"],
        volume_id=UUID(int=0),
        size_gib=columns["size"],
        availability_zone=targets.zone_of(target),
        created_at=now,
        data_timestamp=now,
        target=target,
        stored_in=caller.project_id,
    )


def _row_of(columns: Mapping[str, Any], target: str) -> Backup:
    """Return the columns as a row that is nobody's yet."""
    created_at = columns.get("created_at") or timezone.now()
    return Backup(
        pk=columns["id"],
        name=columns["display_name"],
        description=columns["display_description"],
        volume_id=columns["volume_id"],
        snapshot_id=columns.get("snapshot_id"),
        parent_id=columns.get("parent_id"),
        size_gib=columns["size"],
        container=columns["container"],
        availability_zone=columns.get("availability_zone") or targets.zone_of(target),
        metadata=columns.get("metadata") or {},
        object_count=columns["object_count"],
        created_at=created_at,
        data_timestamp=columns.get("data_timestamp") or created_at,
        target=target,
        stored_in=columns["driver_info"]["stored_in"],
    )


def _target_of(place: Mapping[str, Any]) -> str:
    """Return the target with the repository that the record names.

    Where it is known of none, that is one whose repository is not known yet. :raises InvalidRecord: if there is none.
    """
    rows = Repository.objects.filter(target__in=settings.BACKUP_TARGETS).values_list("target", "repository_id")
    known = dict(rows)
    for key, repository_id in known.items():
        if str(repository_id) == place["repository_id"]:
            return str(key)
    unknown = [key for key in (place.get("target"), targets.default(), *settings.BACKUP_TARGETS) if key not in known]
    found = next((key for key in unknown if key in settings.BACKUP_TARGETS), None)
    if found is None:
        raise InvalidRecord(
            "Import record failed, cannot find backup service to perform the import. "
            f"No target holds repository {place['repository_id']}."
        )
    return str(found)


def _text_of(value: object) -> str | None:
    return None if value is None else str(value)


def _instant(moment: datetime | None) -> str | None:
    """Return the time as records write it: to the second, with its zone."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
