"""The qemu-storage-daemon that exports one volume: started, recognised, changed and ended."""

import contextlib
import logging
import re
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivers.errors import BackendBusy, DriverError, TransientDriverError
from drivers.types import AccessMode
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.monitor import COMMAND_S, Monitor
from drivers.volume.local.processes import end_daemons_below
from drivers.volume.local.programs import run_plain

log = logging.getLogger(__name__)

# The best way first; a file system or kernel that lacks one says so when the image is opened.
_WAYS_TO_OPEN = (("io_uring", True), ("native", True), ("threads", True), ("threads", False))
_ID = "e-"
"""Begins the daemon's id of an export, which must begin with a letter; the name that clients use is the bare one."""
_LACKING = re.compile(r"io_uring|native|O_DIRECT", re.IGNORECASE)


class ExportDaemon:
    """At most one daemon for one volume. Every call needs the volume's lock.

    The graph is file → qcow2 → throttle. The throttle is on top from the start, without limits, because limits,
    mirrors and point-in-time copies can only be had later if it is there. It is made last, so a daemon that has it
    is complete. Every daemon gets a socket of its own for QMP: one that a killed worker started may come up late,
    and must not get in the way of the one that was started instead. NBD keeps one name, which clients come back to.

    Daemons outlive the worker. A service manager has to be told so (systemd: KillMode=process), or it ends them too.
    """

    def __init__(self, run_directory: Path, image: Path) -> None:
        self._directory = run_directory
        self._image = image
        self.nbd_socket = run_directory / "n"

    def serve(self, wanted: Mapping[str, AccessMode]) -> None:
        """Make the exports be exactly those `wanted`, without touching those that are right already.

        A daemon is started, or ended, as it takes.

        :raises BackendFull, BackendBusy, BackendDown: if that fails; the same call goes on from there.
        """
        with as_driver_errors(f"exporting {self._image}"):
            if not wanted:
                self.stop()
                return
            with self._adopted() or self._started() as monitor:
                current = _exports(monitor)
                for name in sorted(current - wanted.keys()):
                    _end_export(monitor, name)
                for name in sorted(wanted.keys() - current):
                    _begin_export(monitor, name, wanted[name])

    def exports(self) -> frozenset[str]:
        """Return the ids of the exports there are. :raises BackendBusy, BackendDown: if the daemon cannot say."""
        with as_driver_errors(f"asking for the exports of {self._image}"):
            monitor = self._adopted()
            if monitor is None:
                return frozenset()
            with monitor:
                return _exports(monitor)

    def stop(self) -> None:
        """End the daemon with its exports, its data written out, and remove its directory.

        :raises BackendBusy, BackendDown: if it cannot be ended.
        """
        with as_driver_errors(f"ending the exports of {self._image}"):
            try:
                monitor = self._adopted()
            except TransientDriverError:  # hung, or in talks with somebody else: it gets a signal instead
                monitor = None
            if monitor is not None:
                with monitor:
                    monitor.quit()
            if end_daemons_below(self._directory):
                log.warning("ended a daemon of %s that did not answer", self._image)
            self._clear()

    def _adopted(self) -> Monitor | None:
        """Return a session with the daemon that serves our image, and end all others in our directory."""
        found: Monitor | None = None
        with contextlib.ExitStack() as kept:
            for path in sorted(self._directory.glob("q-*")):
                monitor = self._ask(path)
                if monitor is None:
                    continue
                with contextlib.ExitStack() as session:
                    session.push(monitor)
                    if found is None and self._is_complete(monitor):
                        found = monitor
                        kept.push(session.pop_all())
                        continue
                    log.warning("ending an incomplete daemon (process %d) of %s", monitor.process.pid, self._image)
                    monitor.quit()
                    path.unlink(missing_ok=True)
            kept.pop_all()
        return found

    def _ask(self, path: Path) -> Monitor | None:
        """Return a session with whoever listens at `path`; if that is nobody, remove the left-over socket."""
        try:
            return Monitor(path)
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return None

    def _is_complete(self, monitor: Monitor) -> bool:
        """Tell whether the daemon serves our image, through our socket."""
        files = {node["node-name"]: node.get("file") for node in monitor.execute("query-named-block-nodes", flat=True)}
        if "top" not in files or not _is_same(Path(files.get("file") or ""), self._image):
            return False
        with contextlib.suppress(FileNotFoundError):
            return stat.S_ISSOCK(self.nbd_socket.stat().st_mode)
        return False

    def _started(self) -> Monitor:
        """Start a daemon and build its graph. :raises DriverError: if that fails; no daemon remains."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        # A daemon whose socket was deleted still holds the image, and nobody can end its exports.
        if end_daemons_below(self._directory):
            log.warning("ended a daemon of %s that could not be reached", self._image)
        name = secrets.token_hex(3)
        control = self._directory / f"q-{name}"
        address = str(control).replace(",", ",,")
        argv = ["qemu-storage-daemon", "--daemonize", "--pidfile", str(self._directory / f"p-{name}")]
        argv += ["--chardev", f"socket,id=control,path={address},server=on,wait=off", "--monitor", "chardev=control"]
        run_plain(argv)
        monitor = Monitor(control)
        try:
            self._build(monitor)
        except BaseException:
            with monitor:
                monitor.quit()
            raise
        return monitor

    def _build(self, monitor: Monitor) -> None:
        """Give a fresh daemon its server and its graph. :raises DriverError: if it refuses."""
        address = {"type": "unix", "data": {"path": str(self.nbd_socket)}}
        monitor.execute("nbd-server-start", addr=address, max_connections=0)
        monitor.execute("object-add", qom_type="throttle-group", id="limits", limits={})
        _open_image(monitor, self._image)
        monitor.execute("blockdev-add", node_name="top", driver="throttle", throttle_group="limits", file="volume")

    def _clear(self) -> None:
        """Remove the daemon's directory and what it left there. :raises OSError: if that fails."""
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                path.unlink(missing_ok=True)
            self._directory.rmdir()


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths are of one file, which may be spelled in several ways, or be gone."""
    with contextlib.suppress(OSError):
        return one == other or one.samefile(other)
    return False


def _open_image(monitor: Monitor, image: Path) -> None:
    """Add the image's nodes in the best way that works here. :raises DriverError: if none does."""
    refused: DriverError | None = None
    for way, is_direct in _WAYS_TO_OPEN:
        cache = {"direct": is_direct}
        file: dict[str, Any] = {"driver": "file", "node-name": "file", "filename": str(image), "aio": way}
        file |= {"discard": "unmap", "cache": cache}
        try:
            monitor.execute("blockdev-add", node_name="volume", driver="qcow2", discard="unmap", cache=cache, file=file)
        except DriverError as error:
            if not _LACKING.search(error.message):
                raise
            refused = error
        else:
            return
    if refused is not None:
        raise refused


def _exports(monitor: Monitor) -> frozenset[str]:
    """Return the names of a daemon's exports. :raises DriverError: if it does not answer."""
    return frozenset(export["id"].removeprefix(_ID) for export in monitor.execute("query-block-exports"))


def _begin_export(monitor: Monitor, name: str, mode: AccessMode) -> None:
    """Add an export. :raises DriverError: if the daemon refuses."""
    monitor.execute("block-export-add", type="nbd", id=_ID + name, name=name, node_name="top", writable=mode == "rw")


def _end_export(monitor: Monitor, name: str) -> None:
    """Cut an export's connections and wait until it is gone. :raises DriverError: if that does not happen."""
    monitor.execute("block-export-del", id=_ID + name, mode="hard")
    deadline = time.monotonic() + COMMAND_S
    while name in _exports(monitor):
        if time.monotonic() > deadline:
            raise BackendBusy(f"The export {name} does not end; its storage may hang")
        time.sleep(0.002)
