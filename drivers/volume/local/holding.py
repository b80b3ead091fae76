"""Keeping daemons from answering, so that several volumes can be sealed at one moment.

Each daemon serves one volume, and no command reaches two of them at once. So all are made to keep their answers back,
then each is brought to write to its new layer, then all go on. A write that was acknowledged before is below the new
layers; one that was not is nobody's to rely upon; none is acknowledged between the first change and the last.

What holds a daemon back is its throttle, put into a group that has used up what it may do for `HOLD_S`: a read of
nothing by the same group did that before. So no daemon is held for longer, whatever becomes of those who hold it:
after that it goes on slowly, until whoever talks to it next lets it go. Whether the time was enough is looked at in the
end, by our own clock, which began before that of the daemons.
"""

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from drivers.connect import nbd
from drivers.errors import BackendBusy, DriverError, NotSupported
from drivers.volume.local.graph import UNLIMITED, stack_of, throttle
from drivers.volume.local.monitor import COMMAND_S, Monitor

log = logging.getLogger(__name__)

HOLD_S = 10.0
MARGIN_S = 1.0
JOBS_S = 2.0
_SPENT_BYTES = 16 * 1024**2
"""Read at once, which an NBD server allows up to twice that; what is held goes on with a tenth of it in a second."""
_GROUP, _NOTHING, _WAY = "hold", "hold-nothing", "hold-way"
_POLL_S = 0.001


@contextlib.contextmanager
def held(daemons: Sequence[tuple[Monitor, Path]]) -> Iterator[None]:
    """Have these daemons, each reached by NBD at the path, acknowledge nothing for the block.

    :raises BackendBusy: if one may have gone on before the end of the block, which has then done its work in vain.
    :raises NotSupported: if libnbd is missing. :raises DriverError: if a daemon refuses; all are let go.
    """
    if not nbd.IS_THERE:
        raise NotSupported(nbd.INSTALL)
    for monitor, _socket in daemons:
        _await_end_of_jobs(monitor)
    began = time.monotonic()
    try:
        for monitor, socket in daemons:
            _spend(monitor, socket)
        for monitor, _socket in daemons:
            _join(monitor, _GROUP)
        yield
        took_s = time.monotonic() - began
    finally:
        for monitor, _socket in daemons:
            _let_go_at_last(monitor)
    if took_s > HOLD_S - MARGIN_S:
        raise BackendBusy(f"Holding {len(daemons)} volumes took {took_s:.1f} s; only {HOLD_S - MARGIN_S:g} s are safe")


def let_go(monitor: Monitor) -> None:
    """Have a daemon go on that is held; one that is not is left alone. :raises DriverError: if it refuses."""
    if _GROUP not in {it["name"] for it in monitor.execute("qom-list", path="/objects")}:
        return
    _join(monitor, UNLIMITED)
    _end_way(monitor)
    nodes = {it["name"] for it in monitor.execute("x-debug-query-block-graph")["nodes"]}
    for name in (_WAY, _NOTHING):
        if name in nodes:
            monitor.execute("blockdev-del", node_name=name)
    monitor.execute("object-del", id=_GROUP)


def _await_end_of_jobs(monitor: Monitor) -> None:
    """Wait for what a daemon does beside its work: the end of a job would let its throttle go for a moment.

    :raises BackendBusy: if that takes long.
    """
    deadline = time.monotonic() + JOBS_S
    while monitor.execute("query-jobs"):
        if time.monotonic() > deadline:
            raise BackendBusy(f"The daemon behind {monitor.path} is folding layers; try again")
        time.sleep(_POLL_S)


def _spend(monitor: Monitor, socket: Path) -> None:
    """Make a group that may do nothing for a while. :raises DriverError: if the daemon refuses."""
    rate = int(_SPENT_BYTES / HOLD_S)
    monitor.execute("object-add", qom_type="throttle-group", id=_GROUP, limits={"bps-total": rate})
    monitor.execute("blockdev-add", driver="null-co", node_name=_NOTHING, size=_SPENT_BYTES)
    monitor.execute("blockdev-add", driver="throttle", node_name=_WAY, throttle_group=_GROUP, file=_NOTHING)
    monitor.execute("block-export-add", type="nbd", id=_WAY, name=_WAY, node_name=_WAY, writable=False)
    connection = nbd.NbdConnection(str(socket), _WAY, stall_s=COMMAND_S, chunk_bytes=_SPENT_BYTES)
    try:
        connection.pread(_SPENT_BYTES, 0)
    finally:
        connection.close()
    _end_way(monitor)


def _join(monitor: Monitor, group: str) -> None:
    """Put the throttle into a group. :raises DriverError: if the daemon refuses."""
    served = stack_of(monitor)[0]
    if served:
        options = [throttle(served[-1], group=group, is_read_only=False)]
        monitor.execute("blockdev-reopen", options=options)


def _end_way(monitor: Monitor) -> None:
    """End the export of nothing. :raises DriverError: if that does not happen."""
    deadline = time.monotonic() + COMMAND_S
    is_asked = False
    while any(export["id"] == _WAY for export in monitor.execute("query-block-exports")):
        if not is_asked:
            monitor.execute("block-export-del", id=_WAY, mode="hard")
            is_asked = True
        if time.monotonic() > deadline:
            raise BackendBusy(f"The export {_WAY} does not end; its storage may hang")
        time.sleep(_POLL_S)


def _let_go_at_last(monitor: Monitor) -> None:
    """Have a daemon go on; one that does not answer goes on by itself, and is let go by who talks to it next."""
    try:
        let_go(monitor)
    except DriverError as error:
        log.warning("a daemon was not let go: %s", error.message)
