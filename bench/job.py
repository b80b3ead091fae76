"""One backup job in a process of its own, which says what it took: seconds, CPU seconds, memory above the idle worker.

`python -m bench.job '<JSON>'`: the members are those of `Order`. Everything a worker has loaded before its first job
is loaded before the clock starts.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3.session  # noqa: F401 - an idle worker has it
import nbd  # noqa: F401 - likewise

from backups.engine import pipeline, restore, verify
from backups.engine.keys import MasterKeys
from backups.engine.repository import ProjectStore, Repository
from backups.engine.request import Options, Request
from drivers.backup import make
from drivers.connect import Connection, open_connection

MASTERS = MasterKeys([bytes(range(32))])
PROJECT = "bench"
CONNECTIONS = 2
"""As many as a backup worker opens."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and with what."""

    verb: str
    """One of `VERBS`."""
    target: Mapping[str, Any]
    """The settings of the target."""
    connection_info: Mapping[str, Any] | None = None
    backup_id: str = ""
    parent_id: str | None = None
    changed: Sequence[tuple[int, int]] | None = None
    """The ranges that differ from the parent, if they are known."""
    cache: str | None = None
    """Where a worker keeps its mirrors of indexes."""
    options: Mapping[str, int] | None = None


def back_up(store: ProjectStore, connections: list[Connection], order: Order) -> None:
    """Make a backup."""
    request = Request(
        order.backup_id,
        "volume",
        f"snapshot of {order.backup_id}",
        parent_id=order.parent_id,
        changed=None if order.changed is None else within(order.changed),
    )
    options = Options(**order.options or {})
    pipeline.back_up(store, connections, request, options=options, cache=_cache(order))


def bring_back(store: ProjectStore, connections: list[Connection], order: Order) -> None:
    """Restore a backup into a volume of zeros."""
    target = restore.Target(connections, is_fresh=True)
    options = restore.Options(**order.options or {})
    restore.restore(store, order.backup_id, target, options=options, cache=_cache(order))


def look(store: ProjectStore, _connections: list[Connection], order: Order) -> None:
    """Verify all data. :raises SystemExit: if anything is wrong with them."""
    report = verify.verify(store, options=verify.Options(**order.options or {}))
    if not report.is_sound:
        sys.exit(f"The repository is not sound: {report}")


VERBS: Mapping[str, Callable[[ProjectStore, list[Connection], Order], None]] = {
    "back_up": back_up,
    "restore": bring_back,
    "verify": look,
}


def within(ranges: Sequence[tuple[int, int]]) -> Callable[[int, int], Iterable[tuple[int, int]]]:
    """Return a function that gives those of `ranges` that touch a part."""
    return lambda offset, length: [it for it in ranges if it[0] < offset + length and it[0] + it[1] > offset]


def main(order: Order) -> dict[str, float]:
    """Do it and return what it took."""
    idle_bytes = _peak_bytes()
    cpu, began = _cpu_s(), time.monotonic()
    with ExitStack() as opened:
        target = make("bench", order.target)
        target.check()
        store = Repository.create(target).project(PROJECT, MASTERS, create=True)
        connections = []
        if order.connection_info:
            connections += [opened.enter_context(open_connection(order.connection_info)) for _ in range(CONNECTIONS)]
        VERBS[order.verb](store, connections, order)
    taken = {"seconds": time.monotonic() - began, "cpu_s": _cpu_s() - cpu}
    return taken | {"peak_bytes": _peak_bytes(), "idle_bytes": idle_bytes}


def _cache(order: Order) -> Path | None:
    """Return where mirrors are kept, if they are."""
    return Path(order.cache) if order.cache else None


def _cpu_s() -> float:
    """Return the CPU seconds of this process, system calls included."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_bytes() -> int:
    """Return the most memory that this process ever had."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(main(Order(**json.loads(sys.argv[1])))))
