"""Killing processes of a fleet with SIGKILL at the moments of a plan, and writing down what each kill has hit."""

import json
import os
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from storage_site.fleet import leftovers
from storage_site.fleet.chaos import books
from storage_site.fleet.chaos.books import STEPS_WITH_PROGRESS, Books, Held
from storage_site.fleet.chaos.client import Ledger
from storage_site.fleet.chaos.plan import WEB, WEB_CHILD, Kill, Kind
from storage_site.fleet.directory import Directory

LOOK_S = 0.003
MOST_DEATHS = 3
"""Kills that one piece of work suffers without getting on; by design the service gives it up at the fifth."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A kill that was carried out, and all that it interrupted."""

    at_s: float
    victim: str
    pid: int
    phases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.at_s:6.1f} s  {self.victim} ({self.pid}): {'; '.join(self.phases)}"


class Killer(threading.Thread):
    """Waits for the moments of the plan, in whichever order they come."""

    def __init__(self, directory: Directory, database: Path, plan: list[Kill], ledger: Ledger, limit_s: float) -> None:
        super().__init__(name="killer", daemon=True)
        self._directory, self._database, self._ledger, self._limit_s = directory, database, ledger, limit_s
        self._pending = list(plan)
        self._over = threading.Event()
        self._deaths: Counter[int] = Counter()
        self.hits: list[Hit] = []
        self.fault = ""

    def end(self) -> None:
        """Kill no more."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Kill, until the plan is done, its time is over, or somebody says so."""
        began = time.monotonic()
        try:
            with books.opened(self._database) as opened:
                while self._pending and time.monotonic() - began < self._limit_s and not self._over.wait(LOOK_S):
                    self._look(opened, began)
        except Exception as error:  # noqa: BLE001 - a run without its killer proves nothing, and must not look well
            self.fault = f"{type(error).__name__}: {error}"

    def _look(self, opened: Books, began: float) -> None:
        processes = self._directory.state().get("processes", {})
        unfinished = opened.unfinished()
        for kill in self._pending:
            pid = self._ripe(kill, opened, processes, unfinished)
            if pid is None:
                continue
            self._over.wait(kill.delay_s)
            hit = self._carry_out(kill, pid, opened, began)
            if hit is not None:
                self.hits.append(hit)
                if self._was_meant(kill, hit):
                    self._pending.remove(kill)
                self._over.wait(kill.pause_s)
            return

    # --- whether the moment has come --------------------------------------------------------------------------

    def _ripe(self, kill: Kill, opened: Books, processes: dict[str, int], unfinished: list[Held]) -> int | None:
        """Return the process to kill if the kill's moment is now."""
        moment = kill.moment
        if moment.kind == Kind.TRANSFER:
            return self._daemon_in_use(moment.phase, opened)
        pid = processes.get(WEB if moment.victim == WEB_CHILD else moment.victim)
        if pid is None:
            return None
        if moment.kind == Kind.WORK:
            return pid if any(self._is_meant(kill, one, pid) for one in unfinished) else None
        if moment.kind == Kind.REQUEST:
            is_ripe = self._ledger.in_flight[moment.phase] > 0
            return _child_of(pid) if is_ripe and moment.victim == WEB_CHILD else pid if is_ripe else None
        return pid if any(one.owner for one in unfinished) else None

    def _is_meant(self, kill: Kill, one: Held, pid: int) -> bool:
        is_far_enough = "10-90" not in kill.moment.phase or one.percent >= kill.from_percent
        is_here = f"/{pid}/" in one.owner and one.phase == kill.moment.phase
        return is_here and is_far_enough and self._deaths[one.serial] < MOST_DEATHS

    def _daemon_in_use(self, purpose: str, opened: Books) -> int | None:
        """Return the export daemon that serves this purpose at this moment."""
        if purpose.startswith("a client"):
            wanted = purpose.removeprefix("a client ")
            sockets = [socket for socket, what in list(self._ledger.in_transfer.items()) if what == wanted]
        else:
            wanted = purpose.removeprefix("lent to a ")
            is_under_way = any(
                one.owner and one.stage in STEPS_WITH_PROGRESS and one.percent for one in opened.unfinished()
            )
            lent = opened.lent() if is_under_way else []
            sockets = [json.loads(info).get("path", "") for work, info in lent if work == wanted]
        return next((pid for socket in sockets if socket and (pid := self._daemon_of(socket))), None)

    def _daemon_of(self, socket: str) -> int | None:
        folder = str(Path(socket).parent)
        found = leftovers.processes(self._directory.root)
        return next((one.pid for one in found if one.is_export and folder in one.command), None)

    # --- the kill ---------------------------------------------------------------------------------------------

    def _carry_out(self, kill: Kill, pid: int, opened: Books, began: float) -> Hit | None:
        """Kill the process; return what it was at when it died, None if it had ended before."""
        asked = [what for what, count in self._ledger.in_flight.items() if count > 0]
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        try:
            if not self._is_ours(pid):
                return None  # it had ended already, and the number may have passed to anybody
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except ProcessLookupError:
            return None
        finally:
            os.close(descriptor)
        moment = kill.moment
        held = opened.held_by(pid)
        self._deaths.update(one.serial for one in held)
        phases = {Kind.REQUEST: asked, Kind.TRANSFER: [moment.phase], Kind.ANY: [moment.phase]}.get(moment.kind, [])
        at_s = time.monotonic() - began
        return Hit(at_s, moment.victim, pid, tuple(phases) or tuple(one.phase for one in held) or ("nothing",))

    def _is_ours(self, pid: int) -> bool:
        """Tell whether the process is of the fleet: by its mark, or, as the broker writes over that, by its parent."""
        if leftovers.is_of(self._directory.root, pid):
            return True
        try:
            return psutil.Process(pid).ppid() == self._directory.holder()
        except psutil.Error:
            return False

    @staticmethod
    def _was_meant(kill: Kill, hit: Hit) -> bool:
        """Tell whether the kill came in time: work goes on between the look and the kill."""
        return kill.moment.phase in hit.phases


def _child_of(pid: int) -> int | None:
    try:
        found = psutil.Process(pid).children()
    except psutil.Error:
        return None
    return found[0].pid if found else None
