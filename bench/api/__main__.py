"""Celinder's API, and any other Block Storage service beside it, in one run: `./celinder bench api`.

Without a peer it prints seconds and rates of this machine; with one, how many times better Celinder was. The peer is
a service that runs already, reached by its Keystone: its administrator's password comes from BENCH_PEER_PASSWORD.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bench.api import load, processes
from bench.api.endpoint import Access, Endpoint, Refused
from bench.api.fleet import running
from bench.api.report import table
from bench.running import BenchFailed
from tests.servers import Missing

PHASES = (load.one_by_one, load.attaching, load.bursts)


def main() -> int:
    """Run the benchmark as the command line says; return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    size = load.SMALL if options.small else load.Size(listed=tuple(options.listed))
    measured: dict[str, dict[str, Any]] = {}
    try:
        with running(on_sqlite=options.sqlite) as (ours, roots):
            measured[ours.name] = asyncio.run(_measure(ours, roots, size))
        if options.peer:
            peer = Access(
                options.name, options.peer, options.user, os.environ.get("BENCH_PEER_PASSWORD", ""), options.project
            )
            measured[peer.name] = asyncio.run(_measure(peer, options.pids, size))
    except (BenchFailed, Refused, Missing) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(table(measured))
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1))
    return 0


async def _measure(access: Access, roots: list[int], size: load.Size) -> dict[str, Any]:
    """Return all figures of one service."""
    found = load.Found()
    idle_mib = processes.memory_mib(roots)
    for phase in PHASES:
        print(f"{access.name}: {phase.__name__} …", file=sys.stderr, flush=True)
        async with Endpoint(access) as endpoint:  # a token for each: none runs out on the way
            await load.opened(endpoint)
            before_s = processes.cpu_s(roots)
            await phase(endpoint, size, found)
        if roots:
            found.seconds[f"CPU of the service: {phase.__name__.replace('_', ' ')}"] = processes.cpu_s(roots) - before_s
    memory = {"idle": idle_mib, "afterwards": processes.memory_mib(roots)} if roots else {}
    return {"seconds": found.seconds, "rates": found.rates, "memory_mib": memory}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="celinder bench api", description=__doc__)
    parser.add_argument("--small", action="store_true", help="little of everything: shows that it works")
    parser.add_argument("--sqlite", action="store_true", help="our fleet on SQLite instead of PostgreSQL")
    parser.add_argument("--listed", type=int, nargs="+", default=[200, 1000], help="how many volumes to read among")
    parser.add_argument("--json", type=Path, help="write the JSON to this file")
    peer = parser.add_argument_group("a peer")
    peer.add_argument("--peer", metavar="URL", help="its Keystone, as in http://127.0.0.1:5000/v3")
    peer.add_argument("--name", default="peer", help="what to call it")
    peer.add_argument("--user", default="admin")
    peer.add_argument("--project", default="admin")
    peer.add_argument("--pids", type=int, nargs="+", default=[], help="the processes at the top of it, if it is here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
