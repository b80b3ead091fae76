"""The figures of all rounds as a table: seconds of this machine, and ratios that say something about others as well."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.images import MIB
from bench.running import Taken

Figures = dict[str, dict[str, float]]
Rounds = Mapping[str, Mapping[str, list[Taken]]]
"""For each row and contender what each round took."""
OURS = "Celinder"
PEERS = ("restic", "borg")
AIMS = {
    "random full": (4, 3),
    "sparse full": (15, 2),
    "random scattered": (3, 4),
    "random clustered": (20, 12),
    "files full": (3, 2),
    "random restore": (2, 2),
    "files restore": (2, 2),
    "random verify": (4, 4),
    "files verify": (4, 4),
}
"""Times faster than restic and Borg that we want to be."""
PEAK_AIM_MIB = 128


def table(rounds: Rounds, sizes: Mapping[str, int], what: Mapping[str, str]) -> str:
    """Return all of it as text."""
    return "\n".join(
        [
            _title(
                "Times faster than (medians of the rounds' ratios; aim), and times fewer CPU seconds, servers' included"
            ),
            *_ratios(rounds),
            _title("Each step: medians of the rounds, seconds with fastest and slowest"),
            *(line for row, by_name in rounds.items() for line in _row(row, by_name, sizes[row], what[row])),
        ]
    )


def ratios(rounds: Rounds, figure: Callable[[Taken], float]) -> Figures:
    """Return for each row how many times less of something than each peer we took: the median over the rounds."""
    return {
        row: {
            peer: median(figure(their) / figure(our) for our, their in zip(by_name[OURS], by_name[peer], strict=False))
            for peer in PEERS
        }
        for row, by_name in rounds.items()
    }


def as_json(rounds: Rounds, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that was measured."""
    steps = {row: {name: [asdict(it) for it in found] for name, found in by.items()} for row, by in rounds.items()}
    found = {"machine": machine, "times_faster": ratios(rounds, _seconds), "times_fewer_cpu_s": ratios(rounds, _cpu_s)}
    return found | {"peak_above_idle_mib": peak_mib(rounds), "steps": steps}


def peak_mib(rounds: Rounds) -> float:
    """Return the most memory above an idle worker that any of our jobs had."""
    return max(_above_idle(it) for by in rounds.values() for name in by if OURS in name for it in by[name]) / MIB


def machine(directory: Path) -> dict[str, Any]:
    """Return where this runs and what is compared."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":?")
    where = subprocess.run(["stat", "-f", "-c", "%T", str(directory)], capture_output=True, text=True, check=True)
    return {
        "processor": model.partition(":")[2].strip(),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "directory": f"{where.stdout.strip()}",
        "versions": [_first_line(*argv) for argv in (("restic", "version"), ("borg", "--version"))],
        "load_before": round(os.getloadavg()[0], 2),
    }


def _ratios(rounds: Rounds) -> Iterable[str]:
    """Yield a line for each row with an aim."""
    yield f"{'':18}" + "".join(f"{peer:>16}" for peer in PEERS) + "".join(f"{f'CPU {peer}':>14}" for peer in PEERS)
    cpu = ratios(rounds, _cpu_s)
    for row, by_peer in ratios(rounds, _seconds).items():
        line = f"{row:18}"
        for peer, aim in zip(PEERS, AIMS[row], strict=True):
            line += f"{f'{by_peer[peer]:.1f} ({aim})':>14} {' ' if by_peer[peer] >= aim else '!'}"
        yield line + "".join(f"{cpu[row][peer]:14.1f}" for peer in PEERS)
    peak = peak_mib(rounds)
    yield f"most memory of a job above an idle worker: {peak:.0f} MiB ({PEAK_AIM_MIB})" + " !" * (peak > PEAK_AIM_MIB)
    yield "! behind what is not as aimed"


def _row(row: str, by_name: Mapping[str, list[Taken]], size: int, what: str) -> Iterable[str]:
    """Yield a block: one line for each contender."""
    yield f"\n{row}" + f": {what}" * bool(what)
    yield f"{'':16}{'seconds':>20}{'MiB/s':>8}{'CPU s':>8}{'+servers':>9}{'peak MiB':>9}{'+idle':>7}{'stored MiB':>11}"
    for name, found in by_name.items():
        seconds = sorted(it.seconds for it in found)
        yield (
            f"  {name:14}{f'{median(seconds):.2f} ({seconds[0]:.2f}-{seconds[-1]:.2f})':>20}"
            f"{size / MIB / median(seconds):8.0f}"
            f"{_median(it.cpu_s for it in found):8.2f}{_median(it.server_cpu_s for it in found):9.2f}"
            f"{_median(_above_idle(it) for it in found) / MIB:9.0f}{_median(it.idle_bytes for it in found) / MIB:7.0f}"
            f"{_median(it.stored_bytes for it in found) / MIB:11.1f}"
        )


def _seconds(taken: Taken) -> float:
    return taken.seconds


def _cpu_s(taken: Taken) -> float:
    return taken.cpu_s + taken.server_cpu_s


def _above_idle(taken: Taken) -> int:
    return taken.peak_bytes - taken.idle_bytes


def _median(numbers: Iterable[float]) -> float:
    return median(list(numbers))


def _title(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"


def _first_line(*argv: str) -> str:
    """Return the first line that a program prints."""
    found = subprocess.run(argv, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[0]
