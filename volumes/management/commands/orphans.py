"""Find what is on a storage for nobody, and take it over or remove it."""

import time
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from storage_site.caller import SYSTEM, Caller
from storage_site.errors import StorageError
from storage_site.operations.heartbeat import host_of
from storage_site.operations.models import Operation
from volumes import orphans
from volumes.models import Snapshot, Volume
from volumes.services import managing, snapshots, volumes

LOOK_EVERY_S = 0.2
NAME = "orphan"


class Command(BaseCommand):
    """Compares back-ends with the rows; changes nothing unless it is told to."""

    help = (
        "Compare what is on back-ends with the rows: show what no row knows, and rows whose storage is missing. "
        "The back-ends' workers do it. Nothing is changed without --adopt or --delete; then only what no row knows is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("backend", nargs="*", help="its key in CELINDER_BACKENDS; all, if none is named")
        parser.add_argument("--project", default="", help="the id of the project that adopted things are to belong to")
        parser.add_argument("--name", nargs="+", default=[], help="adopt or delete these alone, by their names there")
        parser.add_argument("--all", action="store_true", help="or all whose names are of the kind that we give")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--adopt", action="store_true", help="make rows of them, in that project")
        choice.add_argument("--delete", action="store_true", help="adopt them, then delete them: their content is lost")

    def handle(self, *, backend: list[str], project: str, adopt: bool, delete: bool, **options: Any) -> None:
        """Compare, show, and do what is asked."""
        if (adopt or delete) and not (options["name"] or options["all"]):
            raise CommandError("Say which: --name NAME …, or --all. What was given up on purpose is among them.")
        if (adopt or delete) and not project:
            raise CommandError("Name the project that they are to belong to: --project ID.")
        unknown = sorted(set(backend) - set(settings.STORAGE_BACKENDS))
        if unknown:
            raise CommandError(f"There is no back-end {', '.join(unknown)} in the settings.")
        caller = replace(SYSTEM, project_id=project)
        troubles = 0
        for key in backend or list(settings.STORAGE_BACKENDS):
            try:
                found, missing = orphans.compare(key)
            except StorageError as error:
                self.stderr.write(f"{key}: {error.message}")
                troubles += 1
                continue
            for row in missing:
                self.stdout.write(f"{key}: {row.kind} {row.id} has a row and is not on the storage")
            for orphan in found:
                is_meant = orphan.name in options["name"] or (options["all"] and orphan.is_ours)
                troubles += not self._treat(orphan, caller, adopt=(adopt or delete) and is_meant, delete=delete)
            self.stdout.write(f"{key}: {len(found)} on the storage without a row, {len(missing)} rows without storage.")
        if troubles:
            raise CommandError(f"{troubles} could not be looked at or treated.")

    def _treat(self, orphan: orphans.Orphan, caller: Caller, *, adopt: bool, delete: bool) -> bool:
        told = f"{orphan.backend}: {orphan.kind} {orphan.name} ({orphan.size_gib} GiB) has no row"
        if orphan.obstacle:
            self.stdout.write(f"{told}, and cannot be adopted: {orphan.obstacle}")
            return not adopt
        if not adopt:
            self.stdout.write(told)
            return True
        try:
            row = _adopted(orphan, caller)
            if delete:
                _delete(row, caller)
        except StorageError as error:
            self.stdout.write(f"{told}: {error.message}")
            return False
        self.stdout.write(f"{told}: {'deleted' if delete else f'adopted as {row.pk}'}")
        return True


def _adopted(orphan: orphans.Orphan, caller: Caller) -> Volume | Snapshot:
    """Have it taken over, and return its row. :raises StorageError: if that is refused, or fails."""
    if orphan.kind == "volume":
        host = f"{host_of(orphan.backend)}#{orphan.backend}"
        row: Any = managing.manage_volume(caller=caller, host=host, reference=orphan.name, name=NAME)
    else:
        if not orphan.volume:
            raise StorageError("Its volume has no row; adopt that first.")
        volume = Volume.objects.get(pk=orphan.volume)
        row = managing.manage_snapshot(caller=caller, volume=volume, reference=orphan.name, name=NAME)
    _wait_for(row)
    return type(row).objects.get(pk=row.pk)


def _delete(row: Volume | Snapshot, caller: Caller) -> None:
    if isinstance(row, Volume):
        volumes.delete_volume(volume=row, caller=caller)
    else:
        snapshots.delete_snapshot(snapshot=row, caller=caller)
    _wait_for(row)


def _wait_for(row: Volume | Snapshot) -> None:
    """Wait for the end of the row's work. :raises StorageError: if it ends badly."""
    while True:
        operation = Operation.objects.filter(resource_id=row.pk).order_by("-serial").first()
        if operation is None or operation.outcome == Operation.SUCCEEDED:
            return
        if operation.is_finished:
            raise StorageError(operation.fault_detail)
        time.sleep(LOOK_EVERY_S)
