"""Fleets for a while: in a temporary directory on a free port, ended whatever happens, and nothing left of them."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from storage_site.fleet import leftovers
from storage_site.fleet.address import Address, free_port
from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError
from storage_site.fleet.fleet import ENDED_S, Fleet
from storage_site.fleet.signals import ASKING
from storage_site.fleet.surroundings import neutral

DEEPEST = 35  # characters of a directory for temporary files, so that the paths of sockets in it still fit


class Interrupted(Exception):
    """A signal asked for the end."""


@contextmanager
def place(prefix: str, room_gib: int) -> Iterator[Path]:
    """Make a directory, and remove it afterwards. :raises FleetError: if there is no room."""
    usual = tempfile.gettempdir()
    short = usual if len(usual) <= DEEPEST else "/tmp"  # noqa: S108 - mkdtemp makes a name of its own in it
    root = Path(tempfile.mkdtemp(prefix=prefix, dir=short))
    try:
        free_gib = shutil.disk_usage(root).free / 1024**3
        if free_gib < room_gib:
            raise FleetError(f"{root.parent} has {free_gib:.1f} GiB free, {room_gib} are wanted: set TMPDIR")
        yield root
    finally:
        with signals_ignored():
            shutil.rmtree(root)


def fleet_on(root: Path, variables: Mapping[str, str]) -> Fleet:
    """Return a fleet on `root`, the same whoever starts it, but for `variables`."""
    address = Address("127.0.0.1", free_port())
    return Fleet(Directory(root), address, settings.BASE_DIR, has_own_broker=True, inherited=neutral() | variables)


def manage(fleet: Fleet, *words: str, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py for the fleet, and return what became of it."""
    return subprocess.run(
        [sys.executable, str(fleet.project / "manage.py"), *words],
        env=fleet.environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def down(fleet: Fleet) -> None:
    """End the fleet. :raises FleetError: if it does not end."""
    done = manage(fleet, "down", limit_s=2 * ENDED_S)
    if done.returncode:
        raise FleetError(f"the fleet did not end: {done.stderr.strip()}")


def left(root: Path) -> list[str]:
    """Return what is left on this machine of the fleet on `root`: processes and sockets."""
    return [str(process) for process in leftovers.processes(root)] + [str(path) for path in leftovers.sockets(root)]


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Have the signals that ask for the end raise Interrupted."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = {number: signal.signal(number, interrupt) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Let nobody interrupt the end."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
