"""A fleet from its start to its end: what `./celinder up` and `./celinder down` do."""

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from django.conf import settings

from storage_site.fleet import address, broker, leftovers, procfile, signals, storage
from storage_site.fleet.address import Address
from storage_site.fleet.directory import Directory
from storage_site.fleet.errors import FleetError, StopAsked
from storage_site.fleet.logfile import tail
from storage_site.fleet.process import LONGEST_DELAY_S
from storage_site.fleet.procfile import Line
from storage_site.fleet.readiness import Readiness
from storage_site.fleet.supervisor import GRACE_S, Supervisor
from storage_site.settings import environment as env

BROKER_S, RELEASE_S, READY_S = 20, 180, 120
ENDED_S = 2 * GRACE_S + 30
STARTING, READY, STOPPING = "starting", "ready", "stopping"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What to run, and where."""

    directory: Directory
    address: Address
    project: Path  # the checkout: where the Procfile and manage.py are
    has_own_broker: bool
    inherited: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @classmethod
    def of_settings(cls) -> Self:
        """Return the fleet that settings and environment describe. :raises FleetError: if they describe none."""
        return cls(
            directory=Directory(settings.DATA_DIR),
            address=address.from_environment(),
            project=settings.BASE_DIR,
            has_own_broker=not env.text("CELERY_BROKER_URL"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return what a command that concerns this fleet finds in its environment."""
        programs = [str(Path(sys.executable).parent), self.inherited.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
        return {
            **self.inherited,
            "PATH": os.pathsep.join(programs),
            "PYTHONUNBUFFERED": "1",
            "CELINDER_DATA_DIR": str(self.directory.root),
            "CELINDER_BIND": self.address.bind,
        }

    @property
    def lines(self) -> list[Line]:
        """Return the Procfile's lines, with a volume worker for each back-end of the settings."""
        return procfile.for_backends(procfile.read(self.project / "Procfile"), settings.STORAGE_BACKENDS)

    @property
    def credentials(self) -> list[Path]:
        """Return the files that log a client in, or an operator where clients are a Keystone's."""
        names = ["openrc", "clouds.yaml"] if settings.IDENTITY == "embedded" else ["console-login"]
        return [self.directory.root / name for name in names]

    # --- up --------------------------------------------------------------------------------------------------

    def run(self, say: Callable[[str, str], None], when_ready: Callable[[], None]) -> None:
        """Run the fleet until a signal asks it to end; leave no process, socket or export.

        :raises FleetError: if it cannot start, or something of it could not be ended.
        """
        lines = self.lines
        self.directory.make()
        with self.directory.held():
            self.address.refuse_if_taken()
            storage.check(settings.STORAGE_BACKENDS)
            if not self.has_own_broker:
                broker.refuse_if_silent(settings.CELERY_BROKER_URL)
            marked = self.environment | {leftovers.MARK: str(self.directory.root)}
            pause_s = env.number("CELINDER_RESTART_PAUSE_S", LONGEST_DELAY_S)
            supervisor = Supervisor(self.directory, marked, say, longest_delay_s=pause_s)
            supervisor.listen()
            try:
                self._state(STARTING)
                self._start(supervisor, lines)
                self._state(READY, supervisor)
                supervisor.when_changed = partial(self._note_processes, supervisor)
                when_ready()
                supervisor.run()
            except StopAsked:
                say("fleet", "ending")
            finally:
                with suppress(OSError):  # a full disk must not keep the rest from ending
                    self._state(STOPPING)
                supervisor.stop()
                troubles = self._clean_up()
                for trouble in troubles:
                    say("fleet", trouble)
            if troubles:
                raise FleetError("Not everything has ended")

    def _start(self, supervisor: Supervisor, lines: list[Line]) -> None:
        if self.has_own_broker:
            supervisor.keep(broker.line(self.directory), self.project, ends_last=True)
            if not supervisor.wait_until(lambda: broker.answers(self.directory), BROKER_S):
                raise FleetError(f"The broker does not answer:\n{tail(self.directory.log_of(broker.NAME))}")
        kept = [line for line in lines if line.name != procfile.RELEASE]
        for line in [*(line for line in lines if line not in kept), self._first_users()]:
            supervisor.run_once(line, self.project, RELEASE_S)
        if settings.IDENTITY == "embedded":
            self._link_openrc()
        for line in kept:
            supervisor.keep(line, self.project)
        self._wait_until_ready(supervisor, kept)

    def _first_users(self) -> Line:
        endpoint = settings.PUBLIC_ENDPOINT or self.address.url
        words = ["identity_bootstrap", "--directory", str(self.directory.root), "--endpoint", endpoint]
        return Line("identity", f"python manage.py {shlex.join(words)}")

    def _link_openrc(self) -> None:
        """Let `openrc` be the administrator's, who is the one that begins."""
        with suppress(FileExistsError):
            (self.directory.root / "openrc").symlink_to("admin-openrc")

    def _wait_until_ready(self, supervisor: Supervisor, kept: list[Line]) -> None:
        readiness = Readiness(kept, self.address.url)
        readiness.start()
        names = {line.name for line in kept}
        try:
            supervisor.wait_until(
                lambda: supervisor.failing or (not readiness.waiting_for and names <= supervisor.running.keys()),
                READY_S,
            )
        finally:
            readiness.end()
        missing = sorted(supervisor.failing or readiness.waiting_for | (names - supervisor.running.keys()))
        if missing:
            logs = "\n".join(f"  {name}:\n{tail(self.directory.log_of(name))}" for name in missing)
            raise FleetError(f"The fleet does not get ready, because of {', '.join(missing)}:\n{logs}")

    def _state(self, state: str, supervisor: Supervisor | None = None) -> None:
        self.directory.write_state(
            supervisor=os.getpid(),
            state=state,
            api=f"{self.address.url}/v3",
            processes=supervisor.running if supervisor else {},
        )

    def _note_processes(self, supervisor: Supervisor) -> None:
        with suppress(OSError):  # a full disk must not end the fleet
            self._state(READY, supervisor)

    def start(self, *, outlives_caller: bool) -> subprocess.Popen[bytes]:
        """Start a supervisor in the background and return it when the fleet is ready.

        :raises FleetError: if the fleet does not get ready.
        """
        self.directory.make()
        tie = [] if outlives_caller else ["setpriv", "--pdeathsig", "TERM", "--"]
        child = None
        try:
            with self.directory.supervisor_log.open("ab") as log, signals.deferred():
                said_before = log.tell()
                child = subprocess.Popen(
                    [*tie, sys.executable, str(self.project / "manage.py"), "up", "--quiet"],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._wait_for_word_of(child, said_before)
        except BaseException:
            if child is not None:
                child.terminate()
                child.wait(timeout=ENDED_S)
            raise
        return child

    def _wait_for_word_of(self, child: subprocess.Popen[bytes], said_before: int) -> None:
        while True:
            state = self.directory.state()
            if state.get("supervisor") == child.pid and state["state"] == READY:
                return
            try:
                child.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            raise FleetError(
                f"The fleet did not start:\n{tail(self.directory.supervisor_log, lines=40, start=said_before)}"
            )

    # --- down ------------------------------------------------------------------------------------------------

    def end(self) -> bool:
        """End the fleet that runs on the data directory, and its exports; tell whether one ran.

        Its supervisor may be gone already; the kernel has then ended the rest. :raises FleetError: if something stays.
        """
        if not self.directory.run.exists():
            return False
        self.directory.make()
        holder = self.directory.holder()
        if holder:
            self._end_supervisor(holder)
        with self.directory.held():
            self._wait_for_children()
            troubles = self._clean_up()
        if troubles:
            raise FleetError("\n".join(["Not everything has ended:", *troubles]))
        return holder is not None

    def _end_supervisor(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if self.directory.holder() != pid:  # the number may have passed to another process meanwhile
                return
            for number, limit_s in ((signal.SIGTERM, ENDED_S), (signal.SIGKILL, 5)):
                signal.pidfd_send_signal(descriptor, number)
                if select.select([descriptor], [], [], limit_s)[0]:
                    return
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise FleetError(f"Process {pid} runs the fleet, and only its owner (or root) may end it") from error
        finally:
            os.close(descriptor)
        raise FleetError(f"Process {pid} runs the fleet and does not end")

    def _wait_for_children(self) -> None:
        """Wait for the processes of a supervisor that was killed: the kernel ends them, exports go on."""
        known = set(self.directory.state().get("processes", {}).values())
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            if not known & {process.pid for process in leftovers.processes(self.directory.root)}:
                return
            time.sleep(0.1)

    def _clean_up(self) -> list[str]:
        """End the exports and forget the rest; return what could not be ended."""
        troubles = storage.end_exports(settings.STORAGE_BACKENDS)
        self.directory.forget_state()
        deadline = time.monotonic() + GRACE_S
        while (found := leftovers.processes(self.directory.root)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return troubles + [f"{process} is still there" for process in found]
