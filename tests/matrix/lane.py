"""The program that plays cells on one database and one broker, and prints a line of JSON for each.

What it stands on is in the environment: `DATABASE_URL`, `CELERY_BROKER_URL` and the service's own variables.
"""

import argparse
import json
import queue
import random
import re
import sys
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 - models need the setup
from django.core.management import call_command  # noqa: E402 - likewise
from django.db import connection  # noqa: E402 - likewise

from storage_site.fleet import leftovers  # noqa: E402 - likewise
from tests.matrix import cells, real  # noqa: E402 - likewise
from tests.matrix.bells import LocalWorkers  # noqa: E402 - likewise
from tests.matrix.faults import HERE, Fault  # noqa: E402 - likewise
from tests.matrix.places import Place  # noqa: E402 - likewise
from tests.matrix.stage import Stage  # noqa: E402 - likewise
from volumes.models import VolumeType  # noqa: E402 - likewise

_saying = threading.Lock()
KEEPS_STORAGE = ("volumes", "layers", "run")  # folders of a local back-end


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["scout", "here", "real"])
    parser.add_argument("--only", default="")
    parser.add_argument("--places", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="of each story every place once, and every fault once")
    parser.add_argument("--shard", default="0/1", help="every how many-th cell, from which one on: 0/2 and 1/2 are all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--befores", default="0/1", help="of the places before something, every how many-th")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--at-once", type=int, default=4)
    told = parser.parse_args()
    call_command("migrate", verbosity=0)
    VolumeType.objects.get_or_create(name=settings.DEFAULT_VOLUME_TYPE)
    connection.close()
    return {"scout": scout, "here": here, "real": play_real}[told.what](told)


def say(**told: object) -> None:
    """Print a line of JSON; several threads do."""
    with _saying:
        print(json.dumps(told), flush=True)  # noqa: T201 - the program's answer


def say_played(played: cells.Played, began: float) -> None:
    """Print what came of a cell."""
    cell = played.cell
    say(
        cell=str(cell), verb=cell.place.verb, story=str(cell.story), fault=cell.fault.name, outcomes=played.outcomes,
        problems=played.problems, took_over_s=played.took_over_s, seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip


def _workers() -> LocalWorkers:
    return LocalWorkers(tuple(settings.STORAGE_BACKENDS))


def _target() -> str:
    return next(iter(settings.BACKUP_TARGETS))


def scout(told: argparse.Namespace) -> int:
    """Print each story's places."""
    workers = _workers()
    for story in cells.stories():
        workers.show_up()
        places = cells.scouted(story, Stage(workers, workers.backend_keys, _target()))
        back = [
            (asdict(one.refused), asdict(one.place)) for one in cells.taking_back(story, places, workers, _target())
        ]
        say(story=str(story), places=[asdict(place) for place in places], taking_back=back[:: len(cells.INTERRUPTIONS)])
    return 0


def here(told: argparse.Namespace) -> int:
    """Play the cells of this process."""
    until, workers, is_good = time.monotonic() + told.seconds, _workers(), True
    for cell in _chosen(told, _cells(told.places, HERE, cells.INTERRUPTIONS)):
        began = time.monotonic()
        if began > until:
            say(left_out=str(cell))
            continue
        played = cells.play_here(cell, workers, _target())
        is_good = is_good and not played.problems
        say_played(played, began)
    return int(not is_good)


def play_real(told: argparse.Namespace) -> int:
    """Play the cells of real processes, several at once."""
    until, keys = time.monotonic() + told.seconds, tuple(settings.STORAGE_BACKENDS)
    pool = real.Pool(settings.DATA_DIR, keys, told.at_once + 2)
    free: queue.Queue[str] = queue.Queue()
    for target in list(settings.BACKUP_TARGETS)[: told.at_once]:
        free.put(target)
    alone = threading.Lock()

    def play(cell: cells.Cell) -> bool:
        target = free.get()
        try:
            if cell.story.alone:
                alone.acquire()
            began = time.monotonic()
            if began > until:
                say(left_out=str(cell))
                return True
            played = real.play(cell, pool, keys, target)
            say_played(played, began)
            return not played.problems
        finally:
            if cell.story.alone:
                alone.release()
            free.put(target)

    with pool.running(), ThreadPoolExecutor(told.at_once) as threads:
        chosen = list(_chosen(told, _cells(told.places, real.REAL)))
        random.Random(told.seed).shuffle(chosen)  # noqa: S311 - if the time is over, it is for a bit of everything
        results = list(threads.map(play, chosen))
    left = [str(one) for one in leftovers.processes(settings.DATA_DIR) if one.is_export]
    pools = [Path(table["path"]) for table in settings.STORAGE_BACKENDS.values()]
    left += [str(path) for pool_of in pools for name in KEEPS_STORAGE for path in (pool_of / name).glob("*")]
    say(left=left)
    return int(bool(left) or not all(results))


def _cells(path: Path, faults: Iterable[Fault], interruptions: Iterable[Fault] = ()) -> Iterator[cells.Cell]:
    """Yield the cells of the places that were scouted, and those of taking back for these `interruptions`."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    scouted = {told["story"]: told for told in lines}
    for story in cells.STORIES:
        told = scouted[str(story)]
        yield from cells.cells_of(story, [Place(**place) for place in told["places"]], faults)
        for refused, place in told["taking_back"]:
            for fault in interruptions:
                yield cells.Cell(story, Place(**place), fault, Place(**refused))


def _chosen(told: argparse.Namespace, every: Iterable[cells.Cell]) -> Iterator[cells.Cell]:
    found = [cell for cell in every if re.search(told.only, str(cell))]
    first, step = map(int, told.befores.split("/"))
    found = [cell for cell in found if not cell.place.repeats or zlib.crc32(str(cell.place).encode()) % step == first]
    if told.quick:
        found = list(_every_place_and_fault_once(found, told.seed))
    if told.sample:
        found = random.Random(told.seed).sample(found, min(told.sample, len(found)))  # noqa: S311 - no secret
    first, step = map(int, told.shard.split("/"))
    return iter(found[first::step])


def _every_place_and_fault_once(every: Iterable[cells.Cell], seed: int) -> Iterator[cells.Cell]:
    """Yield cells, which ones the seed decides, until each story had each of its places and faults."""
    seen: set[object] = set()
    for cell in sorted(every, key=lambda cell: zlib.crc32(f"{seed} {cell}".encode())):
        marks = {(cell.story, cell.place, cell.refused), (cell.story, cell.fault)}
        if marks - seen:
            seen |= marks
            yield cell


if __name__ == "__main__":
    sys.exit(main())
