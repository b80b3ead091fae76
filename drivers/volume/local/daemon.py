"""The qemu-storage-daemon that exports one volume: started, recognised, changed and ended."""

import contextlib
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from drivers.errors import BackendBusy, TransientDriverError
from drivers.types import AccessMode
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.fronts import end_fronts
from drivers.volume.local.graph import TOP, UNLIMITED, node_of, open_layer, stack_of, throttle
from drivers.volume.local.holding import let_go
from drivers.volume.local.launching import launch
from drivers.volume.local.monitor import COMMAND_S, Monitor
from drivers.volume.local.processes import end_daemons_below
from drivers.volume.local.servers import Server, UnixServer

log = logging.getLogger(__name__)

_ID = "e-"
"""Begins the daemon's id of an export, which must begin with a letter; the name that clients use is the bare one."""
_FOLD_POLL_S = 0.005


class ExportDaemon:
    """At most one daemon for one volume. Every call needs the volume's lock.

    The graph is file → qcow2, once for each layer, → throttle. What lies below a layer is always said, and never
    taken from the file. The throttle is on top from the start, without limits, because limits, mirrors and
    point-in-time copies can only be had later if it is there. It is made last, so a daemon that has it is complete.
    Every daemon gets a socket of its own for QMP: one that a killed worker started may come up late, and must not get
    in the way of the one that was started instead.

    A daemon that serves fewer layers than there shall be gets the others put on top, one after the other, which is
    how a snapshot is taken under writes: they are empty, so it makes no difference when that happens.

    Daemons outlive the worker. A service manager has to be told so (systemd: KillMode=process), or it ends them too.
    """

    def __init__(
        self,
        run_directory: Path,
        layers: Sequence[Path] = (),
        *,
        server: Server | None = None,
        is_read_only: bool = False,
    ) -> None:
        """Speak of the daemon of `run_directory`, which shall serve `layers`, the lowest first, through `server`."""
        self._directory = run_directory
        self.server = server or UnixServer(run_directory)
        self._layers = list(layers)
        self._is_read_only = is_read_only
        self._image = layers[-1] if layers else run_directory

    def serve(self, wanted: Mapping[str, AccessMode], *, needed: str = "") -> None:
        """Make the exports be exactly those `wanted`, without touching those that are right already.

        A daemon is started, or ended, as it takes. That there is no way to an export matters for the one `needed` only.

        :raises BackendFull, BackendBusy, BackendDown: if that fails; the same call goes on from there.
        """
        with as_driver_errors(f"exporting {self._image}"):
            if not wanted:
                self.stop()
                return
            with self._adopted() or self._started() as monitor:
                self.raise_to_top(monitor)
                self._drop_loose(monitor)
                # First nobody can ask for anything; then the daemon ends what it was asked for.
                self.server.close_to_others(monitor, wanted.keys())
                current = _exports(monitor)
                for name in sorted(current - wanted.keys()):
                    _end_export(monitor, name)
                for name in sorted(wanted.keys() - current):
                    _begin_export(monitor, name, wanted[name])
                self.server.open_to(monitor, wanted, needed=needed)

    def renew(self, wanted: Mapping[str, AccessMode]) -> None:
        """Replace what has grown old of the ways to a daemon that runs.

        :raises BackendFull, BackendBusy, BackendDown: if that fails; the same call goes on from there.
        """
        with as_driver_errors(f"renewing the exports of {self._image}"):
            monitor = self._adopted()
            if monitor is not None:
                with monitor:
                    self.server.renew(monitor, wanted)

    def follow(self) -> None:
        """Bring a daemon that runs to serve all layers there shall be.

        :raises BackendFull, BackendBusy, BackendDown: if that fails; the same call goes on from there.
        """
        with as_driver_errors(f"adding a layer to {self._image}"):
            monitor = self._adopted()
            if monitor is not None:
                with monitor:
                    self.raise_to_top(monitor)
                    self._drop_loose(monitor)

    def session(self) -> Monitor | None:
        """Return a session with the daemon that runs, which is to be closed; None if there is none.

        :raises BackendBusy, BackendDown: if it cannot be had.
        """
        with as_driver_errors(f"talking to the daemon of {self._image}"):
            return self._adopted()

    def fold(self, lower: Path, upper: Path, *, wait_s: float) -> bool:
        """Have a running daemon bring what `upper` holds into `lower`, and tell whether it has finished.

        It goes on beside its work if it has not; the same call later tells.

        :raises BackendFull, BackendBusy, BackendDown: if it refuses, for instance because others read `lower`.
        """
        with as_driver_errors(f"folding {upper}"), contextlib.ExitStack() as session:
            monitor = self._adopted()
            if monitor is None:
                return False
            session.enter_context(monitor)
            if node_of(upper) in stack_of(monitor)[0] and not monitor.execute("query-jobs"):
                nodes = {"top_node": node_of(upper), "base_node": node_of(lower), "backing_file": lower.name}
                monitor.execute("block-commit", job_id="fold", device=TOP, **nodes)
            deadline = time.monotonic() + wait_s
            while monitor.execute("query-jobs") and time.monotonic() < deadline:
                time.sleep(_FOLD_POLL_S)
            return not monitor.execute("query-jobs") and node_of(upper) not in stack_of(monitor)[0]

    def is_running(self) -> bool:
        """Tell whether a process serves the layers. :raises BackendBusy, BackendDown: if it cannot say."""
        with as_driver_errors(f"looking for the daemon of {self._image}"):
            monitor = self._adopted()
            if monitor is not None:
                monitor.close()
            return monitor is not None

    def exports(self) -> frozenset[str]:
        """Return the ids of the exports that can be reached. :raises BackendBusy, BackendDown: if that is not known."""
        with as_driver_errors(f"asking for the exports of {self._image}"):
            monitor = self._adopted()
            if monitor is None:
                return frozenset()
            with monitor:
                return self.server.reached(monitor, _exports(monitor))

    def stop(self) -> None:
        """End the daemon with its exports, its data written out, and remove its directory.

        :raises BackendBusy, BackendDown: if it cannot be ended.
        """
        with as_driver_errors(f"ending the exports of {self._image}"):
            end_fronts(self._directory)
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
                        # We have the lock, so whoever held it back is not at it any more.
                        let_go(monitor)
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
        """Tell whether the daemon serves our layers or the lower ones of them, through our server.

        Who does not say which layers there shall be, because he wants to end them all, takes any.
        """
        if not self._layers:
            return True
        stack, loose = stack_of(monitor)
        wanted = [node_of(path) for path in self._layers]
        if not stack or stack[-1] not in wanted:
            return False
        below = wanted[: wanted.index(stack[-1]) + 1]
        # A layer that was folded into the one below it stays at hand until the order does not name it any more.
        if stack != [name for name in below if name in stack] or not loose.issuperset(set(below).difference(stack)):
            return False
        return self.server.is_known(monitor)

    def raise_to_top(self, monitor: Monitor) -> None:
        """Put the layers on top that a complete daemon does not serve yet.

        :raises DriverError: if it refuses; the same call goes on from there.
        """
        stack, loose = stack_of(monitor)
        wanted = [node_of(path) for path in self._layers]
        missing = self._layers[wanted.index(stack[-1]) + 1 :]
        for path in missing:
            if node_of(path) not in loose:
                open_layer(monitor, path, None, is_read_only=False)
            monitor.execute("blockdev-snapshot", node=stack[-1], overlay=node_of(path))
            stack.append(node_of(path))

    def _drop_loose(self, monitor: Monitor) -> None:
        """Let go of layers that there shall not be any more. :raises DriverError: if the daemon refuses."""
        for name in stack_of(monitor)[1].difference(node_of(path) for path in self._layers):
            monitor.execute("blockdev-del", node_name=name)

    def _started(self) -> Monitor:
        """Start a daemon and build its graph. :raises DriverError: if that fails; no daemon remains."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        # A daemon whose socket was deleted still holds the image, and nobody can end its exports.
        if end_daemons_below(self._directory):
            log.warning("ended a daemon of %s that could not be reached", self._image)
        name = secrets.token_hex(3)
        monitor = launch(self._directory / f"q-{name}", self._directory / f"p-{name}")
        try:
            self._build(monitor)
        except BaseException:
            with monitor:
                monitor.quit()
            raise
        return monitor

    def _build(self, monitor: Monitor) -> None:
        """Give a fresh daemon its server and its graph. :raises DriverError: if it refuses."""
        self.server.start(monitor)
        monitor.execute("object-add", qom_type="throttle-group", id=UNLIMITED, limits={})
        below: Path | None = None
        for path in self._layers:
            open_layer(monitor, path, below, is_read_only=self._is_read_only or path != self._image)
            below = path
        top = throttle(node_of(self._image), group=UNLIMITED, is_read_only=self._is_read_only)
        monitor.execute("blockdev-add", **top)

    def _clear(self) -> None:
        """Remove the daemon's directory and what it left there. :raises OSError: if that fails."""
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                path.unlink(missing_ok=True)
            self._directory.rmdir()


def _exports(monitor: Monitor) -> frozenset[str]:
    """Return the names of a daemon's exports. :raises DriverError: if it does not answer."""
    return frozenset(export["id"].removeprefix(_ID) for export in monitor.execute("query-block-exports"))


def _begin_export(monitor: Monitor, name: str, mode: AccessMode) -> None:
    """Add an export. :raises DriverError: if the daemon refuses."""
    monitor.execute("block-export-add", type="nbd", id=_ID + name, name=name, node_name=TOP, writable=mode == "rw")


def _end_export(monitor: Monitor, name: str) -> None:
    """Cut an export's connections and wait until it is gone. :raises DriverError: if that does not happen."""
    monitor.execute("block-export-del", id=_ID + name, mode="hard")
    deadline = time.monotonic() + COMMAND_S
    while name in _exports(monitor):
        if time.monotonic() > deadline:
            raise BackendBusy(f"The export {name} does not end; its storage may hang")
        time.sleep(0.002)
