"""Playing cells on real worker processes: several at once, for a worker does one thing at a time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db import OperationalError, connection
from django.db.models import QuerySet

from storage_site import queues
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from tests.matrix.cells import Cell, Played, judge
from tests.matrix.faults import Fault
from tests.matrix.orders import FOLDER, KILL, STOP, Orders
from tests.matrix.places import Place
from tests.matrix.stage import Stage

SWEEP_S = 0.5
LOOK_S = 0.03
PATIENCE_S = 90
ROOT = Path(__file__).resolve().parents[2]


def _while_held(place: Place) -> bool:
    return not place.has_left


REAL = (Fault(KILL, lambda _place: True), Fault(STOP, _while_held))


class Pool:
    """So many workers of all queues, and another one for each that has died."""

    def __init__(self, folder: Path, backends: tuple[str, ...], size: int) -> None:
        self.orders = folder / "orders"
        self.orders.mkdir()
        self._folder, self._size, self._made = folder, size, 0
        self._queues = ",".join([queues.SCHEDULER, queues.BACKUP, *map(queues.of_backend, backends)])
        self._pids: list[int] = []
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the workers, and the sweep, for as long as the block runs."""
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.matrix.nursery"]
        environment = {**os.environ, FOLDER: str(self.orders)}
        with (
            (self._folder / "nursery.log").open("wb") as log,
            subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            ) as nursery,
        ):
            threads = [threading.Thread(target=self._refill, args=(nursery,)), threading.Thread(target=self._sweep)]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self._ended.set()
                for thread in threads:
                    thread.join()
                nursery.kill()  # and everything that it has forked goes with it

    def _refill(self, nursery: "subprocess.Popen[str]") -> None:
        while not self._ended.wait(LOOK_S):
            self._pids = [pid for pid in self._pids if is_alive(pid)]
            while len(self._pids) < self._size and not self._ended.is_set():
                self._made += 1
                name = f"w{self._made}"
                nursery.stdin.write(f"{name} {self._queues} {self._folder / name}.log\n")
                nursery.stdin.flush()
                answer = nursery.stdout.readline()
                if not answer:
                    return  # it has ended; whoever waits for work says so
                self._pids.append(int(answer))

    def _sweep(self) -> None:
        while not self._ended.wait(SWEEP_S):
            with suppress(OperationalError):
                sweep()
            connection.close()


def is_alive(pid: int) -> bool:
    """Tell whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class RealWorkers:
    """The workers of the pool, as one story sees them: with the fault that it has ordered."""

    pool: Pool
    fault: str = ""
    place: Place | None = None
    orders: Orders | None = None
    took_over_s: float | None = None
    hits: int = 0
    _stopped: int = field(default=0)
    _stopped_at: float = field(default=0.0)
    _is_asked: bool = field(default=False)

    def watch(self, stage: Stage) -> None:
        """Order the fault."""
        key = next(iter(stage.others), stage.project_id)
        self.orders, self._is_asked = Orders(self.pool.orders, key), True
        if self.place is not None:
            self.orders.give(self.place, self.fault)

    def look_away(self) -> None:
        """See what became of the order."""
        self._is_asked = False
        met = self.orders.met()
        if met is None:
            return
        self.hits = 1
        since = self._stopped_at or met[1]
        again = self.orders.taken_over_at(since)
        if again is not None and not self.place.has_left:
            self.took_over_s = again - since

    def finish(self, operations: "Callable[[], QuerySet[Operation]]") -> None:
        """Wait until these have ended, and whoever stood still has seen it. :raises AssertionError: if they do not."""
        until = time.monotonic() + PATIENCE_S
        try:
            while operations().filter(outcome="").exists():
                if self.fault == STOP and not self._stopped:
                    self._stop()
                if time.monotonic() > until:
                    waiting = operations().filter(outcome="").values_list("verb", "task", "step", "fault_detail")
                    raise AssertionError(f"still not done: {list(waiting)}")
                time.sleep(LOOK_S)
        finally:
            self._let_go_on()
        if self._is_asked and self.place is not None and self.place.has_left:
            # Everybody sees that the work was left before the worker comes to the place after that.
            while self.orders.met() is None and time.monotonic() < until:
                time.sleep(LOOK_S)

    def _stop(self) -> None:
        """Stop the worker that stands at the place, not while it holds the one lock that an SQLite file has."""
        met = self.orders.met() if self.orders else None
        if met is None:
            return
        os.kill(met[0], signal.SIGSTOP)
        if can_write():
            self._stopped, self._stopped_at = met[0], time.time()
        else:
            os.kill(met[0], signal.SIGCONT)

    def _let_go_on(self) -> None:
        """Continue the worker that was stopped, and wait until it has found out that it lost its claim."""
        if self.orders is None or self.fault != STOP or (not self._stopped and self.orders.met() is None):
            return
        self.orders.let_go()
        if self._stopped > 0:
            os.kill(self._stopped, signal.SIGCONT)
        until = time.monotonic() + PATIENCE_S
        while not self.orders.is_over:
            assert time.monotonic() < until, "the worker that went on has not ended its task"
            time.sleep(LOOK_S)
        self._stopped = -1


def can_write() -> bool:
    """Tell whether nobody holds the database for longer than a moment."""
    try:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 300")
        Operation.objects.filter(pk=-1).update(step="")
    except OperationalError:
        return False
    finally:
        connection.close()
    return True


def play(cell: Cell, pool: Pool, backend_keys: tuple[str, ...], target: str) -> Played:
    """Play a cell on the workers of the pool."""
    workers = RealWorkers(pool, cell.fault.name, cell.place)
    stage = Stage(workers, backend_keys, target)
    stage.watcher, played = workers, Played(cell)
    try:
        cell.story.tell(stage)
        judge(played, stage)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs into the matrix
        played.problems.append(f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    if not workers.hits:
        played.problems.append("the place was not reached")
    played.took_over_s = workers.took_over_s
    return played
