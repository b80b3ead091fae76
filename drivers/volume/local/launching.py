"""How a qemu-storage-daemon is started."""

from pathlib import Path

from drivers.volume.local.monitor import Monitor
from drivers.volume.local.programs import run_plain

_KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "8388608", "MALLOC_MMAP_THRESHOLD_": "4194304"}
"""Otherwise glibc returns each request's buffer to the kernel, which clears it for the next: a third of all time."""


def launch(control: Path, pid_file: Path) -> Monitor:
    """Start a daemon that has nothing yet, and return a session with it. :raises DriverError, OSError: if it fails."""
    address = str(control).replace(",", ",,")
    argv = ["qemu-storage-daemon", "--daemonize", "--pidfile", str(pid_file)]
    argv += ["--chardev", f"socket,id=control,path={address},server=on,wait=off", "--monitor", "chardev=control"]
    run_plain(argv, _KEPT_MEMORY)
    return Monitor(control)
