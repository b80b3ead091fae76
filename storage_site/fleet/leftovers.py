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
    is_export: bool = False

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command}"


def processes(root: Path) -> list[Leftover]:
    """Return the processes of the fleet on `root` that this user may look at, the asking one excepted."""
    others = (entry for entry in Path("/proc").iterdir() if entry.name.isdecimal() and int(entry.name) != os.getpid())
    return [found for entry in others if (found := _at(entry, root)) is not None]


def _at(entry: Path, root: Path) -> Leftover | None:
    """Return the process of /proc/<id>; None if it is not of the fleet, has ended, or is another user's."""
    mark = os.fsencode(f"{MARK}={root}")
    place = os.fsencode(f"{root}/")
    try:
        words = (entry / "cmdline").read_bytes()
        is_export = words.partition(b"\0")[0].endswith(EXPORT) and place in words
        is_ours = is_export or mark in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if not words or not is_ours:  # one without words has ended and waits for its parent
        return None
    command = words.replace(b"\0", b" ").decode(errors="replace").strip()
    return Leftover(int(entry.name), command, is_export)


def is_of(root: Path, pid: int) -> bool:
    """Tell whether the process with this id, which may have passed to another one, is of the fleet on `root`."""
    return _at(Path("/proc", str(pid)), root) is not None


def sockets(root: Path) -> list[Path]:
    """Return the sockets below `root`."""
    return [path for path in root.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)] if root.exists() else []
