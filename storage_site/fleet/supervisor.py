"""The supervisor: keeps a set of processes running until somebody asks it to end."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError, StopAsked
from storage_site.fleet.logfile import LogFile, tail
from storage_site.fleet.process import LONGEST_DELAY_S, Process, how_it_ended
from storage_site.fleet.procfile import Line

LOOK_S = 0.1
GRACE_S = 15
FAILING_ENDS = 3
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """Starts lines, restarts what dies, and ends them all: one thread, one loop, nothing but its own children.

    Everything is started from the main thread: the kernel ties the children's lives to the thread that made them.
    """

    def __init__(
        self,
        directory: Directory,
        environment: dict[str, str],
        say: Callable[[str, str], None],
        grace_s: float = GRACE_S,
        longest_delay_s: int = LONGEST_DELAY_S,
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._say = say
        self._grace_s = grace_s
        self._longest_delay_s = longest_delay_s
        self.when_changed: Callable[[], None] = lambda: None
        self._processes: list[Process] = []
        self._kept: list[Process] = []
        self._last_to_end: list[Process] = []
        self._selector = selectors.DefaultSelector()
        self._times_asked = 0
        self._is_stopping = False
        self._bell, waker = socket.socketpair()
        for end in (self._bell, waker):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, self._answer_bell)
        self._waker = waker

    def listen(self) -> None:
        """Take the signals that ask for the end."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in ENDING:
            signal.signal(number, self._note_signal)

    def _note_signal(self, *_: object) -> None:
        self._times_asked += 1

    def _answer_bell(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(512)

    # --- starting --------------------------------------------------------------------------------------------

    def keep(self, line: Line, working_directory: Path, *, ends_last: bool = False) -> None:
        """Start `line` and start it again whenever it ends; `ends_last`: the others need it to end well."""
        process = self._process(line, working_directory)
        self._kept.append(process)
        if ends_last:
            self._last_to_end.append(process)
        self._start(process)

    def run_once(self, line: Line, working_directory: Path, limit_s: float) -> None:
        """Run `line` to its end. :raises FleetError: with the end of its log, if it fails or takes too long."""
        process = self._process(line, working_directory)
        self._start(process)
        try:
            ended = self.wait_until(lambda: process.exit_code is not None, limit_s)
        except StopAsked:
            process.kill_group()
            raise
        if ended and process.exit_code == 0:
            return
        process.kill_group()
        what = how_it_ended(process.exit_code) if ended else f"not done within {limit_s:.0f} s"
        raise FleetError(f"{line.name} failed ({what}): {line.command}\n{tail(process.log.path)}")

    def _process(self, line: Line, working_directory: Path) -> Process:
        log = LogFile(self._directory.log_of(line.name), partial(self._say, line.name))
        process = Process(
            line.name, line.command, self._environment, working_directory, log, longest_delay_s=self._longest_delay_s
        )
        self._processes.append(process)
        return process

    def _start(self, process: Process) -> None:
        output, end = process.start()
        self._selector.register(output, selectors.EVENT_READ, partial(self._read, process, output))
        self._selector.register(end, selectors.EVENT_READ, partial(self._note_end, process, end))

    # --- the loop --------------------------------------------------------------------------------------------

    @property
    def running(self) -> dict[str, int]:
        """Return the names and process ids of what runs now."""
        return {process.name: process.pid for process in self._kept if process.pid is not None}

    @property
    def failing(self) -> set[str]:
        """Return the names of those that end as often as they are started."""
        return {process.name for process in self._kept if process.early_ends >= FAILING_ENDS}

    def wait_until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Keep everything running until `condition` holds; tell whether it did within `limit_s`.

        :raises StopAsked: when a signal comes first.
        """
        deadline = time.monotonic() + limit_s
        while not condition():
            if self._times_asked:
                raise StopAsked
            if time.monotonic() >= deadline:
                return False
            self._turn()
        return True

    def run(self) -> None:
        """Keep everything running. :raises StopAsked: when a signal comes."""
        self.wait_until(lambda: False, float("inf"))

    def _turn(self) -> None:
        for key, _events in self._selector.select(LOOK_S):
            key.data()
        if not self._is_stopping:
            for process in self._kept:
                if process.starts_at is not None and process.starts_at <= time.monotonic():
                    self._start(process)
                    self.when_changed()

    def _read(self, process: Process, output: int) -> None:
        try:
            content = os.read(output, 65536)
        except BlockingIOError:
            return
        if content:
            process.log.take(content)
        else:
            self._forget(output)

    def _note_end(self, process: Process, end: int) -> None:
        self._forget(end)
        if self._is_stopping:
            process.kill_group()  # before it is reaped: until then its number belongs to it
        code = process.reap()
        if process in self._kept and not self._is_stopping:
            delay_s = process.start_later()
            self._say("fleet", f"{process.name} ended ({how_it_ended(code)}); starting it again in {delay_s} s")

    def _forget(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)

    # --- ending ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End everything: each is asked, given time, and then killed. Asking again meanwhile cuts the time short."""
        self._is_stopping = True
        asked_before = self._times_asked
        first = [process for process in self._processes if process not in self._last_to_end]
        for group in (first, self._last_to_end):
            for process in group:
                process.tell(signal.SIGTERM)
            deadline = time.monotonic() + self._grace_s
            while self._any_runs(group) and time.monotonic() < deadline and self._times_asked == asked_before:
                self._turn()
            for process in group:
                if process.pid:
                    self._say("fleet", f"{process.name} does not end; killing it")
                    process.kill_group()
            while self._any_runs(group):
                self._turn()
        for process in self._processes:
            process.log.close()

    @staticmethod
    def _any_runs(group: list[Process]) -> bool:
        return any(process.pid is not None for process in group)
