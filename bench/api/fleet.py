"""A fleet of our own to be measured: the memory driver, so that what is measured is the service and not a storage."""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.api.endpoint import Access
from bench.running import BenchFailed
from storage_site.fleet.directory import Directory
from storage_site.fleet.surroundings import neutral
from tests import servers

PROJECT = Path(__file__).resolve().parents[2]
NAME = "Celinder"


@contextmanager
def running(*, on_sqlite: bool = False) -> Iterator[tuple[Access, list[int]]]:
    """Run a fleet; give how it is reached and the processes at the top of it, its database's included."""
    with ExitStack() as stack:
        room = Path(tempfile.mkdtemp(prefix="cel-bench-"))
        stack.callback(shutil.rmtree, room)
        environment = {
            **neutral(),
            "CELINDER_DATA_DIR": str(room),
            "CELINDER_BIND": f"127.0.0.1:{servers.free_ports(1)[0]}",
            "CELINDER_BACKENDS": json.dumps({"memory": {"driver": "memory"}}),
            "CELINDER_LOG_LEVEL": "WARNING",
        }
        roots = []
        if not on_sqlite:
            database = stack.enter_context(servers.postgresql(is_durable=True))
            environment["DATABASE_URL"] = database.url
            roots.append(database.pid)
        stack.callback(_manage, environment, "down")
        _manage(environment, "up", "--detach")
        roots.append(Directory(room).holder() or 0)
        yield _access(room), roots


def _manage(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, PROJECT / "manage.py", *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(f"manage.py {' '.join(words)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def _access(room: Path) -> Access:
    """Return what the fleet has written down for its administrator."""
    told = subprocess.run(
        ["sh", "-c", f". {shlex.quote(str(room / 'openrc'))} && env -0"], check=True, capture_output=True, text=True
    ).stdout
    given = dict(pair.split("=", 1) for pair in told.split("\0") if pair.startswith("OS_"))
    return Access(NAME, given["OS_AUTH_URL"], given["OS_USERNAME"], given["OS_PASSWORD"], given["OS_PROJECT_NAME"])
