"""Backups: create, list, show, change, delete, restore (contract 04)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from backups.filters import BackupFilters
from backups.lookups import in_full
from backups.models import Backup
from backups.serializers import backups as shapes
from backups.services import backups as services
from backups.services import restores
from storage_site.api.actions import ActionView, action
from storage_site.api.answers import HTML, Empty
from storage_site.api.filters import of_project_or_all
from storage_site.api.views import CollectionView, ResourceView
from volumes.lookups import snapshot_of, volume_of

NOT_FOUND = "Backup {id} could not be found."
NAME_SORTS_SINCE = "3.37"
SORT_KEYS = {
    "id": "id",
    "status": "status",
    "size": "size_gib",
    "volume_id": "volume_id",
    "snapshot_id": "snapshot_id",
    "parent_id": "parent_id",
    "container": "container",
    "availability_zone": "availability_zone",
    "object_count": "object_count",
    "data_timestamp": "data_timestamp",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "display_name": "name",
    "user_id": "user_id",
    "project_id": "project_id",
}


class BackupCollection(CollectionView):
    """What the two lists of backups share."""

    collection, links_name = "backups", "backups_links"
    counts_since = "3.45"
    not_found = NOT_FOUND
    filterset_class = BackupFilters

    @property
    def sort_keys(self) -> Mapping[str, str]:  # type: ignore[override]
        """Return what the list may be sorted by; the name came late."""
        return {**SORT_KEYS, "name": "name"} if self.request.version.covers(NAME_SORTS_SINCE) else SORT_KEYS

    def rows(self) -> QuerySet[Any]:
        """Return every backup that the caller may see."""
        return Backup.objects.visible_to(self.caller)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the backups of the project; all, where an administrator asks for them."""
        return of_project_or_all(self.rows(), self.request)


class Backups(BackupCollection):
    """The short list of backups, and the way to make one."""

    writes = shapes.BackupSummary
    reads = {"POST": shapes.BackupCreate}
    answers = {"POST": 202}

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the backups of the project."""
        return self.list(request)

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Keep what a volume holds; workers do it later."""
        values = self.values()
        snapshot_id = values.get("snapshot_id")
        backup = services.create_backup(
            caller=self.caller,
            volume=volume_of(self.caller, values["volume_id"]),
            snapshot=snapshot_of(self.caller, snapshot_id) if snapshot_id else None,
            is_incremental=values.get("incremental", False),
            is_in_use_admitted=values.get("force", False),
            container=values.get("container") or None,
            availability_zone=values.get("availability_zone") or None,
            name=values.get("name"),
            description=values.get("description"),
            metadata=values.get("metadata"),
        )
        return Response({"backup": self.written(shapes.BackupSummary, backup)}, status=202)


class BackupsInFull(BackupCollection):
    """The list of backups with everything about each."""

    writes = shapes.BackupDetail

    def get_queryset(self) -> QuerySet[Any]:
        """Return the same backups, with what is shown of them."""
        return in_full(super().get_queryset(), self.caller)

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """List the backups of the project in full."""
        return self.list(request)


class BackupView(ResourceView):
    """What the paths of one backup share."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every backup that the caller may see."""
        return Backup.objects.visible_to(self.caller)


class OneBackup(BackupView):
    """One backup."""

    envelope = "backup"
    pages = {"Actions": "action", "Restore": "restore"}
    since = {"PUT": "3.9"}
    reads = {"PUT": shapes.BackupUpdate}
    writes = shapes.BackupDetail
    answers = {"DELETE": 202}

    def rows(self) -> QuerySet[Any]:
        """Return the same backups, with what is shown of them."""
        return in_full(super().rows(), self.caller)

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show the backup."""
        return Response({"backup": self.written(shapes.BackupDetail, self.get_object())})

    def put(self, _request: Request, **_kwargs: Any) -> Response:
        """Change the backup's name, description or metadata."""
        backup = services.update_backup(backup=self.get_object(), caller=self.caller, **self.values())
        return Response({"backup": self.written(shapes.BackupSummary, backup)})

    def delete(self, _request: Request, **_kwargs: Any) -> Empty:
        """Delete the backup; a worker does it later. Those that were made after it stay whole."""
        services.delete_backup(backup=self.get_object(), caller=self.caller)
        return Empty(202, HTML)


class BackupRestore(BackupView):
    """Giving a volume what the backup holds."""

    reads = {"POST": shapes.BackupRestore}
    refuses = {"POST": (500,)}
    answers = {"POST": 202}

    def post(self, _request: Request, **_kwargs: Any) -> Response:
        """Restore to a volume, or to a new one; workers do it later."""
        backup = self.get_object()
        volume = restores.restore_backup(caller=self.caller, backup=backup, **self.values())
        named = {"backup_id": str(backup.pk), "volume_id": str(volume.pk), "volume_name": volume.name}
        return Response({"restore": named}, status=202)


class BackupActions(BackupView, ActionView):
    """What administrators may do with a backup, by name."""

    @action("os-reset_status", reads=shapes.BackupResetStatus)
    def reset_status(self, backup: Backup, status: str) -> None:
        """Set the record straight by hand."""
        services.reset_status(backup=backup, status=status, caller=self.caller)

    @action("os-force_delete")
    def force_delete(self, backup: Backup) -> None:
        """Delete the backup whatever its status is."""
        services.delete_backup(backup=backup, caller=self.caller, force=True)
