"""Worker processes that a test starts, stops, kills and continues."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def database_url() -> str:
    """Return the address of the test's own database, for other processes."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    host = str(found["HOST"]).replace("/", "%2F")
    return f"postgresql://{found['USER']}@{host}:{found['PORT'] or 5432}/{found['NAME']}"


class Worker:
    """A Celery worker of one queue, in a process of its own."""

    def __init__(self, queue: str, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.queue, self.name = queue, name
        self._log = folder / f"{name}.log"
        celery = Path(sys.executable).with_name("celery")
        command = [celery, "-A", "storage_site", "worker", "-Q", queue, "-n", f"{name}@%h"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, "--without-gossip", "--without-mingle"],
                cwd=ROOT,
                env={**os.environ, **environment, "CELINDER_LOG_LEVEL": "INFO"},
                stdout=log,
                stderr=log,
            )

    @property
    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log}"
        return " ready." in self.log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)


class Workers:
    """The workers of one test, on one broker and the test's database."""

    def __init__(self, folder: Path, broker_url: str, backends: dict[str, dict[str, object]]) -> None:
        self._folder = folder
        self._all: list[Worker] = []
        self.environment = {
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": broker_url,
            "CELINDER_BACKENDS": json.dumps(backends),
            "CELINDER_DATA_DIR": str(folder),
            "CELINDER_LEASE_S": str(settings.LEASE_S),
            "CELINDER_REPORT_INTERVAL_S": "2",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugins")]),
        }

    def start(self, queue: str, name: str, **environment: str) -> Worker:
        worker = Worker(queue, name, self._folder, {**self.environment, **environment})
        self._all.append(worker)
        return worker

    def end(self) -> None:
        for worker in self._all:
            worker.end()
