"""What a story of the matrix needs: a project, a back-end, a target, and workers that do what was accepted."""

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from django.db.models import Q, QuerySet

from backups.models import Backup, Repository
from backups.services.backups import create_backup
from drivers.connect import Connection, open_connection
from drivers.types import Connector, ExportRequest, Fence, SnapshotRef, VolumeRef
from drivers.volume.base import VolumeDriver
from storage_site.caller import Caller
from storage_site.operations.models import Operation
from volumes import backends
from volumes.models import Attachment, Snapshot, Volume
from volumes.services.snapshots import create_snapshot
from volumes.services.volumes import create_volume

MIB = 1024**2
HOST = {"host": "h1"}


class Workers(Protocol):
    """Whoever carries out operations: here in this process, or elsewhere."""

    def finish(self, operations: Callable[[], "QuerySet[Operation]"]) -> None:
        """Return when all these operations have ended. :raises AssertionError: if they do not."""


class Watcher(Protocol):
    """Whoever wants to know when a story is at what it is about."""

    def watch(self, stage: "Stage") -> None:
        """Look at what happens to the operations of `stage`."""

    def look_away(self) -> None:
        """Look no more."""


@dataclass
class Stage:
    """One project's view of the service; each cell of the matrix has its own.

    `begun` are the operations that the story is about, as far as it has come; `kept` is what may stay on a back-end
    without a row.
    """

    workers: Workers
    backend_keys: tuple[str, ...]
    target: str
    project_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    begun: list[Operation] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    has_backups: bool = False
    kept: list[tuple[str, VolumeRef | SnapshotRef]] = field(default_factory=list)
    watcher: "Watcher | None" = None

    @property
    def caller(self) -> Caller:
        """Return the one who asks."""
        return Caller(user_id="1" * 32, project_id=self.project_id, roles=frozenset({"member", "admin"}))

    def driver_of(self, volume: Volume) -> VolumeDriver:
        """Return the driver of the volume's back-end."""
        return backends.driver(volume.backend)

    def drivers(self) -> Iterator[VolumeDriver]:
        """Yield the drivers of all back-ends."""
        yield from map(backends.driver, self.backend_keys)

    # --- asking, and waiting for what comes of it ------------------------------------------------------------------

    @contextmanager
    def asking(self, verb: str, *others: object) -> Iterator[None]:
        """Ask in the block for what the story is about; when it has ended, operations of `verb` are in `begun`.

        `others` are resources of nobody's project that the work is on.
        """
        self.others = {str(one) for one in others}
        last = Operation.objects.order_by("-serial").values_list("serial", flat=True).first() or 0
        if self.watcher is not None:
            self.watcher.watch(self)
        yield
        kind, _, name = verb.rpartition(".")
        rows = self.operations().filter(serial__gt=last, resource_type=kind, verb=name).order_by("serial")
        self.begun = list(rows)
        assert self.begun, f"nothing was begun: no {verb}"
        self.settle()
        if self.watcher is not None:
            self.watcher.look_away()
        self.begun = list(Operation.objects.filter(serial__in=[one.serial for one in self.begun]).order_by("serial"))

    def operations(self) -> "QuerySet[Operation]":
        """Return the operations of this project, and on the others that the story names."""
        return Operation.objects.filter(Q(project_id=self.project_id) | Q(resource_id__in=self.others))

    def is_mine(self, operation: Operation) -> bool:
        """Tell whether the operation is this stage's."""
        return operation.project_id == self.project_id or str(operation.resource_id) in self.others

    def settle(self) -> None:
        """Wait until all that was accepted has ended."""
        self.workers.finish(self.operations)

    @property
    def is_well(self) -> bool:
        """Tell whether everything that the story is about has succeeded."""
        return all(one.outcome == Operation.SUCCEEDED for one in self.begun)

    # --- what stories begin with -----------------------------------------------------------------------------------

    def volume(self, *places_mib: int, size_gib: int = 1) -> Volume:
        """Return a volume that has been made, with noise in these MiBs."""
        made = create_volume(caller=self.caller, size_gib=size_gib)
        self.settle()
        made.refresh_from_db()
        assert made.status == "available", self.operations().last().fault_detail
        if places_mib:
            self.write(made, places_mib)
        return made

    def snapshot(self, volume: Volume) -> Snapshot:
        """Return a snapshot that has been taken."""
        made = create_snapshot(caller=self.caller, volume=volume)
        self.settle()
        made.refresh_from_db()
        assert made.status == "available"
        return made

    def backup(self, volume: Volume, **more) -> Backup:
        """Return a backup that has been made."""
        volume.refresh_from_db()
        self.has_backups = True
        made = create_backup(caller=self.caller, volume=volume, container=self.target, **more)
        self.settle()
        made.refresh_from_db()
        assert made.status == "available", made.fail_reason
        return made

    def repository(self) -> Repository:
        """Return the repository of this stage's target."""
        return Repository.objects.get(target=self.target)

    def keep(self, row: Volume | Snapshot) -> None:
        """Expect that what is given up stays on its back-end."""
        volume = row if isinstance(row, Volume) else row.volume
        self.kept.append((volume.backend, row.ref()))

    # --- what is in a volume ---------------------------------------------------------------------------------------

    @contextmanager
    def opened(self, volume: Volume) -> Iterator[Connection]:
        """Give a connection to the volume, as a host has one."""
        driver, attachment = self.driver_of(volume), str(uuid.uuid4())
        info = driver.export(volume.ref(), ExportRequest(attachment, Connector("h")), Fence(10**9, 1))
        with open_connection(info) as connection:
            yield connection
            connection.flush()
        driver.unexport(volume.ref(), attachment, Fence(10**9, 1))

    def write(self, volume: Volume, places_mib: Iterable[int], seed: int = 1) -> None:
        """Fill these MiBs with noise."""
        with self.opened(volume) as connection:
            for place in places_mib:
                connection.pwrite(noise(place, seed), place * MIB)

    def holds(self, volume: Volume, *places_mib: int, seed: int = 1) -> bool:
        """Tell whether these MiBs are what `write` wrote there."""
        with self.opened(volume) as connection:
            return all(bytes(connection.pread(MIB, place * MIB)) == noise(place, seed) for place in places_mib)

    # --- what there is of the project ------------------------------------------------------------------------------

    def volumes(self) -> "QuerySet[Volume]":
        """Return its volumes."""
        return Volume.objects.filter(project_id=self.project_id)

    def snapshots(self) -> "QuerySet[Snapshot]":
        """Return its snapshots, those that were made for backups too."""
        return Snapshot.objects.filter(project_id=self.project_id)

    def attachments(self) -> "QuerySet[Attachment]":
        """Return its attachments, what was lent too."""
        return Attachment.objects.filter(project_id=self.project_id)

    def backups(self) -> "QuerySet[Backup]":
        """Return its backups."""
        return Backup.objects.filter(project_id=self.project_id)


def noise(place: int, seed: int) -> bytes:
    """Return the MiB that is written at a place."""
    return random.Random(f"{seed}/{place}").randbytes(MIB)  # noqa: S311 - content only
