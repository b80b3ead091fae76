"""`./celinder faults`: play the fault matrix on each lane, and print what came of it."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from storage_site.fleet import leftovers
from storage_site.fleet.surroundings import neutral
from tests import servers
from tests.matrix import report

ROOT = Path(__file__).resolve().parents[2]
COUNTS = Path(__file__).with_name("places.toml")
LEASE_S = 3
BACKENDS = ("one", "two")
AT_ONCE = 6  # cells of real workers
SHARDS = 2  # of the cells in one process
LANES = ("sqlite-valkey", "postgresql-redis", "postgresql-rabbitmq")
MEMORY_TARGET = json.dumps({"shelf": {"driver": "memory"}})


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="./celinder faults",
        description="Interrupt every kind of work at every place in every way, and see that nothing is lost or left.",
    )
    parser.add_argument("--lane", choices=LANES, help="one database and broker (default: all, one after the other)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="cells whose name matches; see --json for names")
    parser.add_argument("--seconds", type=float, default=580, help="for each lane at most; what is left is counted")
    parser.add_argument(
        "--part", choices=["here", "real"], help="cells of this process, or of real workers (default: both)"
    )
    parser.add_argument("--sample", type=int, default=0, help="so many cells of real workers, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="in one process, of each story every place and fault once")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each cell instead of the matrix")
    parser.add_argument("--write-places", action="store_true", help="write down how many places each story comes to")
    told = parser.parse_args()
    with _folder() as folder:
        places = folder / "places"
        with places.open("w") as file:
            _play(["scout"], _memory(folder / "scout"), file)
        if told.write_places:
            COUNTS.write_text(report.counts(places.read_text()))
            return 0
        found = [_lane(name, told, places) for name in ([told.lane] if told.lane else LANES)]
    if not told.json:
        print(report.page(found))  # noqa: T201 - the command's answer
    return int(not all(lane.is_good for lane in found))


def _lane(name: str, told: argparse.Namespace, places: Path) -> report.Lane:
    """Play the cells on one lane: those of one process beside those of real ones."""
    began = time.monotonic()
    common = ["--places", str(places), "--only", told.only, "--seconds", str(told.seconds), "--seed", str(told.seed)]
    with _folder() as folder, _servers(name) as (database, broker), ExitStack() as stack:
        runs = []
        # In one process no broker is asked: the same once more on the last lane would say nothing new.
        is_played_here = told.part != "real" and (told.lane is not None or name != LANES[-1])
        for shard in range(SHARDS if is_played_here else 0):
            words = ["here", *common, "--shard", f"{shard}/{SHARDS}", *(["--quick"] if told.quick else [])]
            own = _memory(folder / f"here{shard}", database and stack.enter_context(servers.postgresql()).url)
            runs.append(_started(stack, words, own, folder / f"here{shard}.out"))
        if told.part != "here":
            # What is before something is after what was before that: here each lane takes a part of these places.
            part = "0/1" if told.lane else f"{LANES.index(name)}/{len(LANES)}"
            words = ["real", *common, "--at-once", str(AT_ONCE), "--sample", str(told.sample), "--befores", part]
            stack.callback(_end_exports, folder)
            runs.append(_started(stack, words, _real(folder / "real", database, broker), folder / "real.out"))
        codes = [process.wait() for process in runs]
        lines = [line for path in sorted(folder.glob("*.out")) for line in path.read_text().splitlines()]
    if told.json:
        for line in lines:
            print(json.dumps({"lane": name, **json.loads(line)}), flush=True)  # noqa: T201 - the command's answer
    return report.Lane.of(name, lines, seconds=time.monotonic() - began, lease_s=LEASE_S, has_ended=max(codes) <= 1)


@contextmanager
def _servers(name: str) -> Iterator[tuple[str, str]]:
    """Give the addresses of the lane's database, "" for a file of SQLite, and of its broker."""
    with ExitStack() as stack:
        run_broker = servers.rabbitmq() if name.endswith("rabbitmq") else servers.valkey(by_tcp=name.endswith("redis"))
        broker = stack.enter_context(run_broker).url
        yield "" if name.startswith("sqlite") else stack.enter_context(servers.postgresql()).url, broker


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder with a short name, in memory where that is possible: what is tried dies by signals only."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # noqa: S108 - mkdtemp makes a name nobody knows
    with tempfile.TemporaryDirectory(prefix="cel-", dir=place, ignore_cleanup_errors=True) as path:
        yield Path(path)


def _memory(folder: Path, database: str = "") -> Mapping[str, str]:
    folder.mkdir()
    own = {"CELINDER_DATA_DIR": str(folder), "CELINDER_BACKUP_TARGETS": MEMORY_TARGET, "CELERY_BROKER_URL": "memory://"}
    return own | ({"DATABASE_URL": database} if database else {})


def _real(folder: Path, database: str, broker: str) -> Mapping[str, str]:
    folder.mkdir()
    targets = {
        f"target{number}": {"driver": "posix", "path": str(folder / f"target{number}")} for number in range(AT_ONCE)
    }
    for target in targets:
        (folder / target).mkdir()
    own = {
        "CELINDER_DATA_DIR": str(folder),
        "CELERY_BROKER_URL": broker,
        "CELINDER_BACKENDS": json.dumps({key: {"driver": "local", "path": str(folder / key)} for key in BACKENDS}),
        "CELINDER_BACKUP_TARGETS": json.dumps(targets),
        "CELINDER_LEASE_S": str(LEASE_S),
        "CELINDER_REPORT_INTERVAL_S": "2",
    }
    return own | ({"DATABASE_URL": database} if database else {})


def _surroundings(own: Mapping[str, str]) -> dict[str, str]:
    common = {"DJANGO_SETTINGS_MODULE": "storage_site.settings.testing", "CELINDER_BACKUP_CHECKPOINT_MIB": "1"}
    environment = {**neutral(), **common, **own}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '')}:/usr/sbin:/sbin"
    return environment


def _command(words: list[str]) -> list[str]:
    return ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "tests.matrix.lane", *words]


def _play(words: list[str], own: Mapping[str, str], out) -> None:
    subprocess.run(_command(words), cwd=ROOT, env=_surroundings(own), stdout=out, check=True)


def _started(stack: ExitStack, words: list[str], own: Mapping[str, str], path: Path) -> "subprocess.Popen[bytes]":
    out = stack.enter_context(path.open("wb"))
    log = stack.enter_context(path.with_suffix(".log").open("wb"))
    process = subprocess.Popen(_command(words), cwd=ROOT, env=_surroundings(own), stdout=out, stderr=log)
    stack.callback(_end, process)
    return process


def _end_exports(folder: Path) -> None:
    """End the export daemons below `folder`: there are some if the cells were cut short."""
    for found in leftovers.processes(folder):
        if found.is_export:
            os.kill(found.pid, signal.SIGKILL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
