"""Celinder's backups beside restic, Borg and `cp`, in one run: `./celinder bench backup` prepares what it needs.

Prints how many times faster than its peers Celinder was, what each step took, and the same as JSON.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import report
from bench.cases import described, prepared
from bench.contenders import EVERY_ROUND, ONCE, Contender, steps
from bench.images import GIB, SMALL, Sizes
from bench.running import BenchFailed, Taken
from tests.servers import Missing

_ROOM = {False: 14 * GIB, True: 3 * GIB}
"""What the largest case needs, files and page cache; for the small sizes: True."""
_SHARES = {"random": 0.6, "sparse": 0.75, "files": 1.0}
"""The cases, and which part of the time is over when each begins no further round."""
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the point is that it is memory


class Bench:
    """All cases, round after round, for as long as there is time."""

    def __init__(self, room: Path, sizes: Sizes, minutes: float, cases: Sequence[str]) -> None:
        self._room, self._sizes = room, sizes
        self._shares = {name: share for name, share in _SHARES.items() if name in cases}
        self._until = time.monotonic() + minutes * 60
        self.rounds: dict[str, dict[str, list[Taken]]] = {}
        self.bytes_of: dict[str, int] = {}

    def run(self) -> None:
        """Run each case several times. :raises BenchFailed: if a contender fails."""
        began = time.monotonic()
        for name, share in self._shares.items():
            _say(f"{name}: making the image and the volume …")
            with prepared(name, self._room, self._sizes) as (case, volumes):
                until = began + share * (self._until - began)
                number, longest = 0, 0.0
                while number == 0 or time.monotonic() + longest < until:
                    at = time.monotonic()
                    for kind in EVERY_ROUND[number % len(EVERY_ROUND) :] + EVERY_ROUND[: number % len(EVERY_ROUND)]:
                        self._let(kind(case, volumes, self._room), is_first=number == 0)
                    number, longest = number + 1, time.monotonic() - at
                    if number == 1 and time.monotonic() + longest / 2 < until:
                        self._let(ONCE(case, volumes, self._room), is_first=True)

    def _let(self, contender: Contender, *, is_first: bool) -> None:
        """Let one contender do a case, and note what it took; one that is not installed is left out."""
        try:
            found = steps(contender, is_compared=is_first)
        except Missing as missing:
            _say(f"{contender.name} is left out: {missing}")
            return
        for row, taken in found.items():
            self.rounds.setdefault(row, {}).setdefault(contender.name, []).append(taken)
            self.bytes_of[row] = contender.case.data_bytes
        told = ", ".join(f"{row.partition(' ')[2]} {taken.seconds:.2f}" for row, taken in found.items())
        _say(f"  {contender.name}: {told}")


def main() -> int:
    """Run the benchmark as the command line says; return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    with _room(options.directory, is_small=options.small) as room:
        machine = report.machine(room)
        bench = Bench(room, SMALL if options.small else Sizes(), options.minutes, options.only)
        began = time.monotonic()
        try:
            bench.run()
        except BenchFailed as failure:
            _say(str(failure))
            return 1
    machine["minutes"] = round((time.monotonic() - began) / 60, 1)
    sizes = SMALL if options.small else Sizes()
    print("\n".join(f"{name}: {value}" for name, value in machine.items()))
    print(report.table(bench.rounds, bench.bytes_of, described(sizes)))
    text = json.dumps(report.as_json(bench.rounds, machine))
    if options.json:
        options.json.write_text(text)
    else:
        print(f"\n{text}")
    return 0


def _options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="celinder bench backup", description=__doc__)
    parser.add_argument("--small", action="store_true", help="small images: shows that it works, measures nothing")
    parser.add_argument("--directory", type=Path, help="where everything is made (default: memory if there is room)")
    parser.add_argument(
        "--minutes", type=float, default=None, help="when to begin no further round (default: 11; small: 3)"
    )
    parser.add_argument("--only", nargs="+", choices=_SHARES, default=list(_SHARES), help="these cases and no others")
    parser.add_argument("--json", type=Path, help="write the JSON to this file")
    options = parser.parse_args()
    options.minutes = options.minutes or (3 if options.small else 11)
    return options


@contextmanager
def _room(given: Path | None, *, is_small: bool) -> Iterator[Path]:
    """Make a directory for everything, gone after the block.

    Unless told otherwise in memory, if there is enough: of a disk only the disk would be measured, and that is the same
    for all.
    """
    where = given or (_IN_MEMORY if _free_memory() > _ROOM[is_small] else Path(tempfile.gettempdir()))
    if shutil.disk_usage(where).free < _ROOM[is_small]:
        sys.exit(f"{where} has less than {_ROOM[is_small] // GIB} GiB of room; name another --directory")
    room = Path(tempfile.mkdtemp(prefix="celinder-bench-", dir=where))
    try:
        yield room
    finally:
        shutil.rmtree(room)


def _free_memory() -> int:
    """Return how many bytes files in memory may take."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return min(available, shutil.disk_usage(_IN_MEMORY).free) if os.access(_IN_MEMORY, os.W_OK) else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
