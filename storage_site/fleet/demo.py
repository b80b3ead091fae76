"""The demonstration: a fleet in a temporary place, used from outside by unmodified clients, and nothing left of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from storage_site.fleet import demo_backups, demo_steps, s3_server, temporary
from storage_site.fleet.demo_stage import DemoFailed, Stage
from storage_site.fleet.directory import Directory
from storage_site.fleet.fleet import Fleet
from storage_site.fleet.logfile import tail
from storage_site.fleet.repositories import remains
from storage_site.fleet.s3_server import S3Server
from storage_site.fleet.temporary import Interrupted, down, fleet_on, place, signals_as_exceptions, signals_ignored

ROOM_GIB = 3
FOLDER = "backups"  # the target that is a directory, and its name


def run() -> int:
    """Show the main job, one line for each step; return the exit code."""
    began = time.monotonic()
    failure = ""
    with signals_as_exceptions():
        try:
            with place("celinder-demo-", ROOM_GIB) as root:
                _show(root)
        except Interrupted:
            failure = "was interrupted"
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the verdict
            failure = f"FAILED ({type(error).__name__}: {error})"
    verdict = failure or "succeeded"
    print(f"The demonstration {verdict} after {time.monotonic() - began:.1f} s.", flush=True)
    return 130 if failure == "was interrupted" else int(bool(failure))


def _show(root: Path) -> None:
    with ExitStack() as stack:
        aside = stack.enter_context(place("celinder-s3-", 1))
        server = stack.enter_context(s3_server.running(aside / "server")) if s3_server.program() else None
        fleet = _fleet(root, server)
        print(f"A fleet in {root}, used by python-cinderclient over {fleet.address.url}", flush=True)
        if server is None:
            print(
                f"  Without S3: there is no {s3_server.PACKAGE} for this machine. Backups go to a directory.",
                flush=True,
            )
        try:
            stage = _stage(fleet, server)
            with _ended(fleet):
                _timed("Start a fleet: broker, API, scheduler, volume and backup workers, beat", lambda: _start(fleet))
                for step in demo_backups.steps(with_s3=server is not None):
                    _timed(*demo_steps.described(step, stage))
        except Interrupted:
            raise
        except Exception:
            _print_logs(fleet.directory)
            raise
        _timed("See that this machine has no process, socket or export of it left", lambda: _refuse_leftovers(root))


def _fleet(root: Path, server: S3Server | None) -> Fleet:
    (root / FOLDER).mkdir(mode=0o700)
    targets: dict[str, object] = {FOLDER: {"driver": "posix", "path": str(root / FOLDER)}}
    if server is not None:
        targets[demo_backups.S3] = server.target()
    return fleet_on(root, {"CELINDER_BACKUP_TARGETS": json.dumps(targets)})


def _stage(fleet: Fleet, server: S3Server | None) -> Stage:
    root = fleet.directory.root
    return Stage(
        root,
        fleet.address.url,
        targets=(FOLDER, demo_backups.S3) if server is not None else (FOLDER,),
        remains=lambda: remains(root / FOLDER, server),
        environment=fleet.environment,
    )


def _timed(what: str, act: Callable[[], object]) -> None:
    began = time.monotonic()
    try:
        act()
    except Exception as error:
        word = "stopped" if isinstance(error, Interrupted) else "FAILED"
        print(f"  {time.monotonic() - began:6.2f} s  {word}: {what}", flush=True)
        raise
    print(f"  {time.monotonic() - began:6.2f} s  {what}", flush=True)


def _start(fleet: Fleet) -> None:
    fleet.start(outlives_caller=False)


@contextmanager
def _ended(fleet: Fleet) -> Iterator[None]:
    """End the fleet afterwards, whatever happened and whoever asks again meanwhile."""
    try:
        yield
    finally:
        with signals_ignored():
            _timed("End the fleet: celinder down", lambda: down(fleet))


def _refuse_leftovers(root: Path) -> None:
    left = temporary.left(root)
    if left:
        raise DemoFailed(f"left on this machine: {'; '.join(left)}")


def _print_logs(directory: Directory) -> None:
    for path in sorted((directory.root / "log").glob("*.log")):
        print(f"  {path.name}:\n{tail(path)}", flush=True)
