"""One child of the supervisor: started to die with it, ended in an orderly way."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from storage_site.fleet.logfile import LogFile

LONGEST_DELAY_S = 30
HEALTHY_S = 30


class Process:
    """A command and the child that runs it now, if one does.

    Only the child itself is told to end: what it runs for an operation must not be cut off under its hands,
    for that would look like a failure of the storage.
    """

    def __init__(
        self,
        name: str,
        command: str,
        environment: dict[str, str],
        directory: Path,
        log: LogFile,
        *,
        longest_delay_s: int = LONGEST_DELAY_S,
    ) -> None:
        self.name = name
        self.log = log
        self._longest_delay_s = longest_delay_s
        self.starts_at: float | None = None
        self.exit_code: int | None = None
        self.early_ends = 0
        self._command = command
        self._environment = environment
        self._directory = directory
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._delay_s = 0

    @property
    def pid(self) -> int | None:
        """Return the child's process id while it runs."""
        return self._child.pid if self._child else None

    def start(self) -> tuple[int, int]:
        """Start the child; return a descriptor that its output comes from, and one that tells of its end.

        The kernel kills it when the supervisor's main thread is gone, whatever ended that. `env` lets the line
        begin with assignments, `exec` keeps the shell from standing in between.
        """
        output, its_end = os.pipe()
        os.set_blocking(output, False)
        self._child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", f"exec env {self._command}"],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=its_end,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        os.close(its_end)
        self.starts_at, self.exit_code, self._started_at = None, None, time.monotonic()
        return output, os.pidfd_open(self._child.pid)

    def tell(self, number: int) -> None:
        """Send the child a signal, if it runs. It is ours until it is reaped, so the number cannot be another's."""
        if self._child:
            self._child.send_signal(number)

    def kill_group(self) -> None:
        """Kill the child and what it left in its process group."""
        if self._child:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Take note that the child has ended; return its exit code, negative for a signal."""
        self.exit_code = self._child.wait()
        self._child = None
        return self.exit_code

    def start_later(self) -> int:
        """Plan the next start; return in how many seconds: twice as late as the last time, unless it was healthy."""
        if time.monotonic() - self._started_at >= HEALTHY_S:
            self._delay_s = self.early_ends = 0
        self.early_ends += 1
        self._delay_s = min(self._delay_s * 2 or 1, self._longest_delay_s)
        self.starts_at = time.monotonic() + self._delay_s
        return self._delay_s


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
