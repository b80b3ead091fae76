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

    def __init__(self, pid: int) -> None:
        """Take hold of process `pid`. :raises ProcessLookupError: if there is none."""
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def has_ended(self, *, wait_s: float = 0.0) -> bool:
        """Tell whether the process is over, waiting for that at most `wait_s`; nobody need have reaped it."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(wait_s * 1000))

    def end(self) -> None:
        """Ask the process to end, insist, and return when it is over. :raises BackendBusy: if it does not end."""
        for number, wait_s in ((signal.SIGTERM, TERMINATE_WAIT_S), (signal.SIGKILL, KILL_WAIT_S)):
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
        if not entry.name.isdecimal() or not _is_daemon_below(entry, f"{directory}/"):
            continue
        try:
            process = Process(int(entry.name))
        except OSError:
            continue
        # Asked again now that we hold it: the number may have come to mean another process in between.
        if _is_daemon_below(entry, f"{directory}/") and not process.has_ended():
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


def _is_daemon_below(entry: Path, prefix: str) -> bool:
    """Tell whether the /proc directory `entry` is of a daemon started by us with its pid file below `prefix`."""
    try:
        command = (entry / "cmdline").read_bytes()
        if _PROGRAM.encode() not in command or entry.stat().st_uid != os.geteuid():
            return False
    except OSError:
        return False
    argv = command.decode("utf-8", "surrogateescape").split("\0")
    if Path(argv[0]).name != _PROGRAM or "--pidfile" not in argv[:-1]:
        return False
    return argv[argv.index("--pidfile") + 1].startswith(prefix)
