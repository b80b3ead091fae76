"""A deployment with a backup host, as docs/production.md has it, on this machine.

All lines of the Procfile but the one of backups run here. Backup workers run elsewhere (`tests.elsewhere`): what they
share with the others is the database, the broker and the network, and nothing but their own directory is theirs.
"""

import json
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from drivers.types import ConnectionInfo
from drivers.volume.local import LocalDriver
from storage_site.fleet import procfile
from tests import servers
from tests.elsewhere import NOBODY, elsewhere
from tests.fleets import PROJECT, Place, place, short_folder
from tests.waiting import until

LISTEN = "127.0.0.1"
QUICK_MIB_PER_S, SLOW_MIB_PER_S, CHECKPOINT_MIB = 5, 1, 4
LEASE_S = 4

Command = Callable[[Sequence[str]], list[str]]


class BackupHost:
    """The other host: its directory, and how commands run there."""

    def __init__(self, root: Path, there: Command, environment: dict[str, str]) -> None:
        self.root = root
        self._there = there
        own = {
            "CELINDER_DATA_DIR": root / "data",
            "CELINDER_BACKUP_KEY_FILE": root / "keys",
            "CELINDER_HOST": "backups",
        }
        self._environment = environment | {name: str(value) for name, value in own.items()}

    def run(self, command: str) -> None:
        """Run a command there. :raises AssertionError: with what it says, if it fails."""
        done = subprocess.run(**self._call(command), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    def start(self, name: str) -> "BackupWorker":
        """Start a backup worker there."""
        command = procfile.worker("backup").command.replace("%h", name)
        with (log := self.root / "log" / f"{name}.log").open("wb") as output:
            child = subprocess.Popen(**self._call(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        return BackupWorker(child, log)

    def stored_mib(self, target: str) -> float:
        """Return what lies on a target."""
        packs = (self.root / target).rglob("packs/*/*")
        return sum(path.stat().st_size for path in packs) / 1024**2

    def _call(self, command: str) -> dict[str, Any]:
        words = ["setpriv", "--pdeathsig", "KILL", "sh", "-c", f"cd {PROJECT} && exec {command}"]
        return {"args": self._there(words), "env": self._environment, "cwd": "/"}


class BackupWorker:
    """A backup worker elsewhere, and what the kernel says of it."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self._child, self._log = child, log

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()
        self._child.wait(20)

    def sees(self, path: Path) -> Path:
        """Return what the path leads to for the worker, be it allowed to go there or not."""
        return Path(f"/proc/{self.pid}/root{path}")

    def users(self) -> set[int]:
        """Return the real, effective, saved and file system users that it is."""
        return set(map(int, self._status("Uid")))

    def capabilities(self) -> int:
        """Return all capabilities that it has or might get."""
        sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        return sum(int(self._status(name)[0], 16) for name in sets)

    def ports(self) -> set[int]:
        """Return the ports that it is connected to."""
        return {it.raddr.port for it in psutil.Process(self.pid).net_connections("inet") if it.raddr}

    def listens(self) -> bool:
        """Tell whether anybody can connect to it."""
        return any(it.status == psutil.CONN_LISTEN for it in psutil.Process(self.pid).net_connections("inet"))

    def open_files(self) -> set[str]:
        """Return the names of everything that it has open."""
        return {str(path.readlink()) for path in Path(f"/proc/{self.pid}/fd").iterdir() if path.is_symlink()}

    def _status(self, name: str) -> list[str]:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line for line in lines if line.startswith(f"{name}:")).split()[1:]


class Deployment:
    """Everything together: processes here, backup workers elsewhere, and what the database says."""

    def __init__(self, here: Place, host: BackupHost, database_url: str, broker_url: str) -> None:
        self.here, self.host = here, host
        self._database_url = database_url
        self.shared_ports = {int(url.rpartition(":")[2].partition("/")[0]) for url in (database_url, broker_url)}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._workers: list[BackupWorker] = []

    def start(self) -> None:
        """Start what is to run here, as a service manager does."""
        self._manage("migrate")
        for line in procfile.parse(procfile.generate(["local"])):
            if line.name not in {"release", "backup"}:
                self._start(line)
        self._manage("identity_bootstrap", "--directory", str(self.here.root), "--endpoint", self.here.url)
        self.host.run("python manage.py backup_key --new")

    def _manage(self, *words: str) -> None:
        done = self.here.manage(*words)
        assert done.returncode == 0, done.stderr

    def _start(self, line: procfile.Line) -> None:
        with (self.here.root / f"{line.name}.log").open("wb") as log:
            self._children[line.name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "sh", "-c", f"exec {line.command}"],
                cwd=PROJECT,
                env=self.here.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def backup_workers(self, count: int) -> list[BackupWorker]:
        """Return so many backup workers, which run elsewhere; those that are missing are started."""
        alive = [worker for worker in self._workers if worker.is_alive]
        for number in range(len(self._workers), len(self._workers) + count - len(alive)):
            self._workers.append(self.host.start(f"backup-{number}"))
        found = [worker for worker in self._workers if worker.is_alive][:count]
        for worker in found:
            until(lambda worker=worker: not worker.is_alive or " ready." in worker.log, "a backup worker is ready", 60)
        return found

    def end(self) -> None:
        """End all processes, those elsewhere first."""
        for worker in self._workers:
            worker.kill()
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(20)

    def logs(self) -> str:
        """Return the end of each log."""
        paths = [*self.here.root.glob("*.log"), *(self.host.root / "log").iterdir()]
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(paths))

    # --- what no client is told ------------------------------------------------------------------------------------

    def lent(self, borrower: str) -> tuple[ConnectionInfo, str] | None:
        """Return how what is lent now for work on this resource is reached, and in which mode; None if nothing is."""
        found = self._asked(
            "select connection_info, attach_mode from volumes_attachment "
            "where lent_to = %s and connection_info ? 'host'",
            borrower,
        )
        return (ConnectionInfo.from_mapping(found[0][0]), found[0][1]) if found else None

    def holder(self, resource: str) -> BackupWorker | None:
        """Return the backup worker that holds the unfinished work on the resource; None while there is none."""
        found = self._asked("select owner from operations_operation where resource_id = %s and outcome = ''", resource)
        owner = found[0][0] if found else ""
        return next((worker for worker in self._workers if f"/{worker.pid}/" in owner), None)

    def checkpoint(self, resource: str) -> dict[str, Any]:
        """Return from where the unfinished work on the resource would be gone on with."""
        found = self._asked(
            "select checkpoint from operations_operation where resource_id = %s and outcome = ''", resource
        )
        return dict(found[0][0]) if found else {}

    def _asked(self, query: str, *values: str) -> list[Any]:
        connection = psycopg2.connect(self._database_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        finally:
            connection.close()


@contextmanager
def deployment() -> Iterator[Deployment]:
    """Run a deployment with a backup host that has two targets, `quick` and `slow`."""
    with (
        servers.postgresql(by_tcp=True) as database,
        servers.valkey(by_tcp=True) as broker,
        short_folder() as other,
        place(**_variables(database.url, broker.url, other)) as here,
    ):
        for name in ("data", "log", "quick", "slow"):
            (other / name).mkdir()
        for path in (other, *other.iterdir()):
            shutil.chown(path, NOBODY, NOBODY)
        storage = {"path": str(here.root / "local"), "listen": LISTEN}
        backends = {"local": {"driver": "local", **storage}}
        environment = here.environment | {"CELINDER_BACKENDS": json.dumps(backends)}
        here.environment = environment | {"CELINDER_BACKUP_KEY_FILE": "none"}
        with elsewhere(here.root, database.folder, broker.folder) as there:
            made = Deployment(here, BackupHost(other, there, environment), database.url, broker.url)
            try:
                made.start()
                yield made
            finally:
                made.end()
                sys.stdout.write(made.logs())  # shown for a test that has failed
                LocalDriver.from_settings("local", storage).stop_exports()


def _variables(database_url: str, broker_url: str, other: Path) -> dict[str, str]:
    limits = {"quick": QUICK_MIB_PER_S, "slow": SLOW_MIB_PER_S}
    targets = {
        name: {"driver": "posix", "path": str(other / name), "max_mib_per_s": limit} for name, limit in limits.items()
    }
    return {
        "DJANGO_SETTINGS_MODULE": "storage_site.settings.production",
        "CELINDER_SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "CELINDER_BACKUP_TARGETS": json.dumps(targets),
        "CELINDER_BACKUP_CHECKPOINT_MIB": str(CHECKPOINT_MIB),
        "CELINDER_LEASE_S": str(LEASE_S),
        "CELINDER_SWEEP_INTERVAL_S": "1",
        "CELINDER_REPORT_INTERVAL_S": "2",
    }
