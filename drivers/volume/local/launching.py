"""How a qemu-storage-daemon is started."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from drivers.volume.local.monitor import Monitor
from drivers.volume.local.programs import run_plain

Options = Sequence[tuple[str, Mapping[str, Any]]]
_KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "8388608", "MALLOC_MMAP_THRESHOLD_": "4194304"}
"""Otherwise glibc returns each request's buffer to the kernel, which clears it for the next: a third of all time."""


def launch(control: Path, pid_file: Path, options: Options = (), *, handing_over: Collection[int] = ()) -> Monitor:
    """Start a daemon with what `options` give it, and return a session with it; descriptors may be handed over.

    :raises DriverError, OSError: if that fails.
    """
    address = str(control).replace(",", ",,")
    argv = ["qemu-storage-daemon", "--daemonize", "--pidfile", str(pid_file)]
    argv += ["--chardev", f"socket,id=control,path={address},server=on,wait=off", "--monitor", "chardev=control"]
    for option, value in options:
        argv += [option, json.dumps(value)]
    run_plain(argv, _KEPT_MEMORY, handing_over=handing_over)
    return Monitor(control)
