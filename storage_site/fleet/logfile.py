"""The log of one process of the fleet: a file that stays small, and a console that may listen."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FULL_BYTES = 10 * 1024 * 1024
LONGEST_LINE = 64 * 1024


class LogFile:
    """Takes a process' output as it comes, and writes whole lines."""

    def __init__(self, path: Path, listener: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._listener = listener
        self._file = path.open("ab", buffering=0)
        self._rest = b""

    def take(self, output: bytes) -> None:
        """Write the whole lines of `output`; keep the rest until its end comes."""
        *lines, self._rest = (self._rest + output).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self.write(line)

    def write(self, line: bytes) -> None:
        """Write one line, to the file if the disk lets it: a log is not worth a fleet."""
        with suppress(OSError):
            if self._file.tell() > FULL_BYTES:
                self._begin_anew()
            self._file.write(line + b"\n")
        if self._listener:
            self._listener(line.decode(errors="replace"))

    def _begin_anew(self) -> None:
        """Let the full file become the old one; the older one goes."""
        self.path.replace(self.path.with_suffix(".log.1"))
        fresh = self.path.open("ab", buffering=0)
        self._file.close()
        self._file = fresh

    def close(self) -> None:
        """Write what is left and close."""
        if self._rest:
            self.write(self._rest)
            self._rest = b""
        self._file.close()


def tail(path: Path, lines: int = 12, start: int = 0) -> str:
    """Return the last lines of a log from byte `start` on, indented; a word about it where there are none."""
    try:
        with path.open("rb") as file:
            file.seek(max(start, path.stat().st_size - 16384))
            last = file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        last = []
    return "\n".join(f"    {line}" for line in last) or "    (it has written nothing)"
