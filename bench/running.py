"""Running programs one at a time: what each took, from files that are not in memory yet, and none of them left over."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import measured

_LONGEST_S = 600


class BenchFailed(Exception):
    """A program did not do what it should."""


@dataclass(slots=True)
class Taken:
    """What one step took."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    idle_bytes: int = 0
    """What a worker needs before its first job; nothing for programs that are started for each step."""
    server_cpu_s: float = 0.0
    """CPU seconds of the servers that took part: the volume's daemon, the S3 server."""
    stored_bytes: int = 0
    """How much larger the repository became."""


def run(
    argv: Sequence[str], room: Path, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[Taken, str]:
    """Run a program to its end; return what it took and what it printed. :raises BenchFailed: if it fails."""
    report = room / "taken.json"
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", measured.__file__, str(report), *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        printed, _ = child.communicate(timeout=_LONGEST_S)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode:
        raise BenchFailed(f"{' '.join(argv)[:200]} failed:\n{printed[-2000:]}")
    return Taken(**json.loads(report.read_text())), printed


def forget(*places: Path) -> None:
    """Have files read from the disk next time, where there is one: volumes are not read through this cache either."""
    for place in places:
        for path in files_below(place):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sync(path: Path) -> None:
    """Have a file safe on the disk, as a volume is after a restore."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def size_of(place: Path) -> int:
    """Return the bytes of all files."""
    return sum(path.stat().st_size for path in files_below(place))


def files_below(place: Path) -> list[Path]:
    """Return the plain files there, or the one that `place` is itself."""
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
