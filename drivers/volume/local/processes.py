"""Export daemons as processes, recognised by what they are and never by a process id alone."""

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

from drivers.errors import BackendBusy

TERMINATE_WAIT_S = 10.0
KILL_WAIT_S = 5.0
_PROGRAM = "qemu-storage-daemon"


class Process:
    """A running process, held by a descriptor that can never come to mean another one."""

    def __init__(self, pid: int, pid_file: str = "") -> None:
        """Take hold of process `pid`. :raises ProcessLookupError: if there is none."""
        self.pid, self.pid_file = pid, pid_file
        self._handle = os.pidfd_open(pid)

    def has_ended(self, *, wait_s: float = 0.0) -> bool:
        """Tell whether the process is over, waiting for that at most `wait_s`; nobody need have reaped it."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(wait_s * 1000))

    def end(self, *, at_once: bool = False) -> None:
        """Ask the process to end, insist, and return when it is over; or insist right away.

        :raises BackendBusy: if it does not end.
        """
        steps = ((signal.SIGTERM, TERMINATE_WAIT_S), (signal.SIGKILL, KILL_WAIT_S))
        for number, wait_s in steps[1:] if at_once else steps:
            if self.has_ended():
                return
            try:
                signal.pidfd_send_signal(self._handle, number)
            except ProcessLookupError:
                return
            if self.has_ended(wait_s=wait_s):
                return
        raise BackendBusy(f"Process {self.pid} ({_PROGRAM}) does not end; its storage may hang")

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._handle)


def daemons_below(directory: Path) -> Iterator[Process]:
    """Yield our own user's export daemons that keep their pid file below `directory`; close each after use."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or not _pid_file_below(entry, f"{directory}/"):
            continue
        try:
            process = Process(int(entry.name), _pid_file_below(entry, f"{directory}/"))
        except OSError:
            continue
        # Asked again now that we hold it: the number may have come to mean another process in between.
        if _pid_file_below(entry, f"{directory}/") == process.pid_file and not process.has_ended():
            yield process
        else:
            process.close()


def end_daemons_below(directory: Path) -> int:
    """End all export daemons with their pid file below `directory` and return how many there were.

    :raises BackendBusy: if one does not end.
    """
    count = 0
    for process in daemons_below(directory):
        try:
            process.end()
        finally:
            process.close()
        count += 1
    return count


def _pid_file_below(entry: Path, prefix: str) -> str:
    """Return the pid file below `prefix` of a daemon started by us, whose /proc directory is `entry`; "" if it is none.

    A daemon that begins at this moment may have no command line yet.
    """
    try:
        command = (entry / "cmdline").read_bytes()
        if _PROGRAM.encode() not in command or entry.stat().st_uid != os.geteuid():
            return ""
    except OSError:
        return ""
    argv = command.decode("utf-8", "surrogateescape").split("\0")
    if Path(argv[0]).name != _PROGRAM or "--pidfile" not in argv[:-1]:
        return ""
    pid_file = argv[argv.index("--pidfile") + 1]
    return pid_file if pid_file.startswith(prefix) else ""
