"""The data directory of a fleet: what lies where in it, and who holds it."""

import fcntl
import json
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage_site.fleet.errors import FleetError

SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less the closing zero
_LOCK = struct.Struct("hhqqi4x")  # struct flock of fcntl(2): type, whence, start, length, pid


@dataclass(frozen=True, slots=True)
class Directory:
    """A data directory. Nothing is made by naming it."""

    root: Path

    @property
    def run(self) -> Path:
        """Return where sockets and state lie."""
        return self.root / "run"

    @property
    def broker_socket(self) -> Path:
        """Return the socket of the embedded broker (settings.base names the same)."""
        return self.run / "broker.sock"

    @property
    def supervisor_log(self) -> Path:
        """Return what a detached supervisor says."""
        return self.log_of("fleet")

    def log_of(self, name: str) -> Path:
        """Return the log file of the process called `name`."""
        return self.root / "log" / f"{name}.log"

    def make(self) -> None:
        """Make the directory and its parts, for its owner only.

        :raises FleetError: if it cannot be made, or is too deep for a unix socket.
        """
        length = len(os.fsencode(self.broker_socket))
        if length > SOCKET_PATH_BYTES:
            raise FleetError(
                f"{self.broker_socket} is {length} bytes long, and the path of a unix socket holds "
                f"{SOCKET_PATH_BYTES}: choose a shorter CELINDER_DATA_DIR"
            )
        try:
            for folder in (self.root, self.run, self.root / "log", self.root / "broker"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FleetError(f"The data directory cannot be made: {error}. Choose another CELINDER_DATA_DIR") from error

    # --- who holds it ----------------------------------------------------------------------------------------

    @contextmanager
    def held(self):
        """Hold the directory for this process. :raises FleetError: if another process holds it."""
        with self._lock_path.open("a+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise FleetError(
                    f"A fleet runs on {self.root} already (process {self.holder()}). "
                    f"End it with ./celinder down, or choose another CELINDER_DATA_DIR"
                ) from error
            yield

    def holder(self) -> int | None:
        """Return the process that holds the directory, as the kernel says: no file can be out of date."""
        try:
            with self._lock_path.open("r+b") as file:
                asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                kind, _whence, _start, _length, pid = _LOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
        except FileNotFoundError:
            return None
        return None if kind == fcntl.F_UNLCK else pid

    @property
    def _lock_path(self) -> Path:
        return self.run / "fleet.lock"

    # --- what its supervisor last said -----------------------------------------------------------------------

    @property
    def _state_path(self) -> Path:
        return self.run / "fleet.json"

    def write_state(self, **state: Any) -> None:
        """Write what the supervisor says of itself, whole or not at all."""
        fresh = self._state_path.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1) + "\n")
        fresh.replace(self._state_path)

    def state(self) -> dict[str, Any]:
        """Return what the supervisor last said of itself; nothing if it never spoke."""
        try:
            return dict(json.loads(self._state_path.read_text()))
        except FileNotFoundError:
            return {}

    def forget_state(self) -> None:
        """Remove what the supervisor said and the sockets it left."""
        for path in (self._state_path, self.broker_socket):
            path.unlink(missing_ok=True)
