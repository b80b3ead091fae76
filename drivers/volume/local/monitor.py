"""Talking to one export daemon by QMP, in plain calls that end within bounded time."""

import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qemu.qmp import ExecuteError, QMPClient, QMPError

from drivers.errors import BackendBusy, BackendDown
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.processes import Process
from drivers.volume.local.programs import meaning_of_words

CONNECT_S = 5.0
COMMAND_S = 20.0
DEATH_S = 1.0
"""How long a process may take to be over after its sockets were closed."""
QUIT_S = 30.0
"""How long a daemon may take to flush what it has when it is told to quit."""
_PEER = struct.Struct("3i")


class Monitor:
    """A session with the daemon behind a QMP socket. A daemon serves one at a time: hold the volume's lock.

    :raises ConnectionRefusedError, FileNotFoundError: if no process listens there.
    :raises BackendBusy: if the daemon does not greet in time, as when somebody else talks to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._client = QMPClient(path.name)
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            peer.settimeout(CONNECT_S)
            try:
                peer.connect(os.fspath(path))
            except TimeoutError as error:
                raise BackendBusy(f"{path} accepts no connection; its daemon may hang") from error
            # The kernel tells who listens: this is the daemon itself, whatever a pid file says.
            pid, _uid, _gid = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
            with as_driver_errors(f"looking at process {pid} behind {path}"):
                self.process = Process(pid)
            stack.callback(self.process.close)
            self._runner = stack.enter_context(asyncio.Runner())
            peer.setblocking(False)
            self._greet(peer)
            self._open = stack.pop_all()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Return the answer to a QMP command; underscores in names of arguments become hyphens.

        :raises BackendFull, BackendBusy, BackendDown: if the daemon refuses or does not answer, with its words.
        """
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._run(self._client.execute(command, given), COMMAND_S, command)

    def quit(self) -> None:
        """Make the daemon write out everything and end. :raises BackendBusy: if the process cannot be ended."""
        with contextlib.suppress(BackendBusy, BackendDown):
            self.execute("quit")
        if not self.process.has_ended(wait_s=QUIT_S):
            self.process.end()

    def close(self) -> None:
        """End the session; the daemon goes on."""
        with self._open, contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):
            self._runner.run(asyncio.wait_for(self._client.disconnect(), CONNECT_S))

    def _greet(self, peer: socket.socket) -> None:
        """Begin the session. :raises ConnectionRefusedError: if the daemon was about to die. Others as `execute`."""
        try:
            self._run(self._client.connect(peer), CONNECT_S, "greeting")
        except BackendDown as error:
            if self.process.has_ended(wait_s=DEATH_S):
                raise ConnectionRefusedError(error.message) from error
            raise

    def _run(self, call: Any, wait_s: float, what: str) -> Any:
        """Wait for a coroutine of the client. Raises as `execute`."""
        try:
            return self._runner.run(asyncio.wait_for(call, wait_s))
        except ExecuteError as error:
            raise meaning_of_words(f"{what}: {error}") from error
        except TimeoutError as error:
            raise BackendBusy(f"The daemon behind {self.path} did not answer {what} within {wait_s:g} s") from error
        except (QMPError, OSError, EOFError) as error:
            raise BackendDown(f"The daemon behind {self.path} failed at {what}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
