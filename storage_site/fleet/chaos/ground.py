"""Where chaos happens: a fleet in a temporary place, with backup targets, and with times short enough for a minute."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage_site.fleet import s3_server, temporary
from storage_site.fleet.chaos.client import Client, Ledger
from storage_site.fleet.fleet import Fleet
from storage_site.fleet.s3_server import S3Server

ROOM_GIB = 4
BACKEND, POSIX, S3 = "local", "directory", "s3"
# Data go slowly enough to be caught on their way, and a backup says often how far it is: what waits in memory for a
# slow target counts as not done yet.
VARIABLES = {
    "CELINDER_LEASE_S": "5",
    "CELINDER_SWEEP_INTERVAL_S": "1",
    "CELINDER_REPORT_INTERVAL_S": "2",
    "CELINDER_RESTART_PAUSE_S": "1",
    "CELINDER_BACKUP_PROJECT_MAX_MIB_PER_S": "20",
    "CELINDER_BACKUP_CHECKPOINT_MIB": "8",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """A fleet that runs, and where its backups go."""

    fleet: Fleet
    server: S3Server | None
    targets: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Return the fleet's directory."""
        return self.fleet.directory.root

    @property
    def backups(self) -> Path:
        """Return the directory of the target that is one."""
        return self.root / "backups"

    @property
    def database(self) -> Path:
        """Return the fleet's database."""
        return self.root / "celinder.sqlite3"

    def client(self, user: str, ledger: Ledger) -> Client:
        """Return a client of the fleet."""
        return Client(self.fleet.address.url, self.root / f"{user}-openrc", ledger)

    def keep(self, folder: Path) -> None:
        """Copy what tells about the fleet."""
        shutil.copytree(self.root / "log", folder, dirs_exist_ok=True)
        shutil.copy(self.database, folder)


@contextmanager
def prepared() -> Iterator[Ground]:
    """Give a running fleet; end it afterwards. :raises FleetError: if it does not start, or does not end."""
    with ExitStack() as stack:
        root = stack.enter_context(temporary.place("celinder-chaos-", ROOM_GIB))
        (root / "backups").mkdir(mode=0o700)
        targets = {POSIX: {"driver": "posix", "path": str(root / "backups")}}
        server = None
        if s3_server.program() is not None:
            aside = stack.enter_context(temporary.place("celinder-s3-", 1))
            server = stack.enter_context(s3_server.running(aside / "server"))
            targets[S3] = server.target()
        fleet = temporary.fleet_on(root, VARIABLES | {"CELINDER_BACKUP_TARGETS": json.dumps(targets)})
        stack.callback(_end, fleet)
        fleet.start(outlives_caller=False)
        ground = Ground(fleet, server, tuple(targets))
        _open_quotas(ground)
        yield ground


def _end(fleet: Fleet) -> None:
    with temporary.signals_ignored():
        temporary.down(fleet)


def _open_quotas(ground: Ground) -> None:
    ledger = Ledger()
    project_id = ground.client("demo", ledger).log_in()
    admin = ground.client("admin", ledger)
    admin.log_in()
    limits = dict.fromkeys(("volumes", "snapshots", "backups", "gigabytes", "backup_gigabytes"), -1)
    admin.put(f"/os-quota-sets/{project_id}", {"quota_set": limits})
