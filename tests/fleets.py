"""Whole fleets for tests: real processes, started and ended as an operator does it, each on a directory of its own."""

import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage_site.fleet import leftovers
from storage_site.fleet.address import free_port
from storage_site.fleet.demo_stage import Stage
from storage_site.fleet.directory import Directory
from storage_site.fleet.surroundings import neutral

PROJECT = Path(__file__).parent.parent


class Place:
    """A data directory and an address for one fleet, which may run or not."""

    def __init__(self, root: Path, variables: dict[str, str]) -> None:
        self.root = root
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.directory = Directory(root)
        self.environment = neutral() | {
            "CELINDER_DATA_DIR": str(root),
            "CELINDER_BIND": f"127.0.0.1:{port}",
            "PATH": f"{Path(sys.executable).parent}:{neutral()['PATH']}:/usr/sbin:/sbin",
            **variables,
        }

    def manage(self, *words: str, limit_s: float = 150) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py in this place, from somewhere else."""
        return subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), *words],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def up(self) -> None:
        """Start the fleet and return when it is ready."""
        done = self.manage("up", "--detach")
        assert done.returncode == 0, done.stderr

    def down(self) -> None:
        """End the fleet; nothing of it may be left."""
        done = self.manage("down")
        assert done.returncode == 0, done.stderr
        assert self.left() == []

    def left(self) -> list[str]:
        """Return the processes and sockets of the fleet."""
        return [*map(str, leftovers.processes(self.root)), *map(str, leftovers.sockets(self.root))]

    @property
    def processes(self) -> dict[str, int]:
        """Return the names and process ids of the fleet's lines, as they were started last."""
        return dict(self.directory.state()["processes"])

    @property
    def supervisor(self) -> int:
        """Return the process id of the supervisor."""
        holder = self.directory.holder()
        assert holder is not None, "no fleet runs"
        return holder

    def answers(self) -> bool:
        """Tell whether the API answers."""
        return answers(self.url)

    def stage(self) -> Stage:
        """Return where the steps of the demonstration can be done."""
        return Stage(self.root, self.url, targets=("volumebackups",), environment=self.environment)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder that is not too deep for sockets, as TMPDIR and pytest's own may be, and remove it afterwards."""
    root = Path(tempfile.mkdtemp(prefix="cel-", dir="/tmp"))
    try:
        yield root
    finally:
        shutil.rmtree(root)


@contextmanager
def place(**variables: str) -> Iterator[Place]:
    """Give a place for a fleet, and clear it afterwards, whatever runs there."""
    with short_folder() as root:
        found = Place(root, variables)
        try:
            yield found
        finally:
            if found.directory.holder() or found.left():
                found.manage("down")


@contextmanager
def fleet(**variables: str) -> Iterator[Place]:
    """Run a fleet; `variables` are added to its environment."""
    with place(**variables) as found:
        found.up()
        yield found


def answers(url: str) -> bool:
    """Tell whether a Celinder at `url` says that it is healthy."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310 - our own http URL
            return answer.status == 200
    except OSError:
        return False
