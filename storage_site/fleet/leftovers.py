"""What a fleet has left behind: processes that carry its mark, exports of its directory, sockets."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

EXPORT = b"qemu-storage-daemon"
MARK = "CELINDER_FLEET"  # in the environment of everything that a fleet starts, with its data directory


@dataclass(frozen=True, slots=True)
class Leftover:
    """A process that is still there."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command}"


def processes(root: Path) -> list[Leftover]:
    """Return the processes of the fleet on `root` that this user may look at, the asking one excepted."""
    mark = os.fsencode(f"{MARK}={root}")
    place = os.fsencode(f"{root}/")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            is_export = words.partition(b"\0")[0].endswith(EXPORT) and place in words
            is_ours = is_export or mark in (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has just ended, or is another user's
            continue
        if words and is_ours:  # one without words has ended and waits for its parent
            found.append(Leftover(int(entry.name), words.replace(b"\0", b" ").decode(errors="replace").strip()))
    return found


def sockets(root: Path) -> list[Path]:
    """Return the sockets below `root`."""
    return [path for path in root.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)] if root.exists() else []
