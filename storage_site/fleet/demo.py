"""The demonstration: a fleet in a temporary place, used from outside by unmodified clients, and nothing left of it."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from storage_site.fleet import demo_steps, leftovers
from storage_site.fleet.address import Address, free_port
from storage_site.fleet.demo_steps import DemoFailed, Stage
from storage_site.fleet.directory import Directory
from storage_site.fleet.fleet import ENDED_S, Fleet
from storage_site.fleet.logfile import tail
from storage_site.fleet.surroundings import neutral

ROOM_GIB = 2
DEEPEST = 35  # characters of a directory for temporary files, so that the paths of sockets in it still fit


class Interrupted(Exception):
    """A signal asked the demonstration to end."""


def run() -> int:
    """Show the main job, one line for each step; return the exit code."""
    began = time.monotonic()
    failure = ""
    with _signals_as_exceptions():
        try:
            with _place() as root:
                _show(root)
        except Interrupted:
            failure = "was interrupted"
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the verdict
            failure = f"FAILED ({type(error).__name__}: {error})"
    verdict = failure or "succeeded"
    print(f"The demonstration {verdict} after {time.monotonic() - began:.1f} s.", flush=True)
    return 130 if failure == "was interrupted" else int(bool(failure))


def _show(root: Path) -> None:
    fleet = _fleet(root)
    stage = Stage(fleet.directory.root, fleet.address.url)
    print(f"A fleet in {root}, used by python-cinderclient over {fleet.address.url}", flush=True)
    try:
        with _ended(fleet):
            _timed("Start a fleet: broker, API, scheduler, volume and backup workers, beat", lambda: _start(fleet))
            for step in demo_steps.STEPS:
                _timed(*demo_steps.described(step, stage))
    except Interrupted:
        raise
    except Exception:
        _print_logs(fleet.directory)
        raise
    _timed("See that this machine has no process, socket or export of it left", lambda: _refuse_leftovers(root))


def _timed(what: str, act: Callable[[], object]) -> None:
    began = time.monotonic()
    try:
        act()
    except Exception as error:
        word = "stopped" if isinstance(error, Interrupted) else "FAILED"
        print(f"  {time.monotonic() - began:6.2f} s  {word}: {what}", flush=True)
        raise
    print(f"  {time.monotonic() - began:6.2f} s  {what}", flush=True)


def _fleet(root: Path) -> Fleet:
    address = Address("127.0.0.1", free_port())
    return Fleet(Directory(root), address, settings.BASE_DIR, has_own_broker=True, inherited=neutral())


def _start(fleet: Fleet) -> None:
    fleet.start(outlives_caller=False)


@contextmanager
def _ended(fleet: Fleet) -> Iterator[None]:
    """End the fleet afterwards, whatever happened and whoever asks again meanwhile."""
    try:
        yield
    finally:
        with _signals_ignored():
            _timed("End the fleet: celinder down", lambda: _down(fleet))


def _down(fleet: Fleet) -> None:
    done = subprocess.run(
        [sys.executable, str(fleet.project / "manage.py"), "down"],
        env=fleet.environment,
        capture_output=True,
        text=True,
        timeout=2 * ENDED_S,
        check=False,
    )
    if done.returncode:
        raise DemoFailed(f"the fleet did not end: {done.stderr.strip()}")


def _refuse_leftovers(root: Path) -> None:
    left = [str(process) for process in leftovers.processes(root)] + [str(path) for path in leftovers.sockets(root)]
    if left:
        raise DemoFailed(f"left on this machine: {'; '.join(left)}")


def _print_logs(directory: Directory) -> None:
    for path in sorted((directory.root / "log").glob("*.log")):
        print(f"  {path.name}:\n{tail(path)}", flush=True)


@contextmanager
def _place() -> Iterator[Path]:
    """Make a directory for one demonstration, and remove it. :raises DemoFailed: if there is no room."""
    usual = tempfile.gettempdir()
    short = usual if len(usual) <= DEEPEST else "/tmp"  # noqa: S108 - mkdtemp makes a name of its own in it
    root = Path(tempfile.mkdtemp(prefix="celinder-demo-", dir=short))
    try:
        free_gib = shutil.disk_usage(root).free / 1024**3
        if free_gib < ROOM_GIB:
            raise DemoFailed(f"{root.parent} has {free_gib:.1f} GiB free, {ROOM_GIB} are wanted: set TMPDIR")
        yield root
    finally:
        with _signals_ignored():
            shutil.rmtree(root)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise Interrupted

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
