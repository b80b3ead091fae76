"""Bringing the daemons of several volumes to write to their new layers at one moment."""

from collections.abc import Sequence
from contextlib import ExitStack

from drivers.volume.local.daemon import ExportDaemon
from drivers.volume.local.failures import as_driver_errors
from drivers.volume.local.holding import held


def follow_together(daemons: Sequence[ExportDaemon]) -> None:
    """Bring those that run to serve all layers there shall be. The caller holds the locks of all.

    Where only one runs, nobody writes to the others, so its moment is that of all.

    :raises BackendFull, BackendBusy, BackendDown: if that fails, or took too long to be one moment; the same call goes
        on from there, and what was sealed is no state of all of them then.
    """
    with as_driver_errors("sealing volumes"), ExitStack() as sessions:
        running = [(daemon, monitor) for daemon in daemons if (monitor := daemon.session()) is not None]
        for _daemon, monitor in running:
            sessions.enter_context(monitor)
        if len(running) > 1:
            sessions.enter_context(held([(monitor, daemon.server.socket(monitor)) for daemon, monitor in running]))
        for daemon, monitor in running:
            daemon.raise_to_top(monitor)
