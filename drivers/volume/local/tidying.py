"""Clearing up what crashes left behind, without disturbing those who are at work."""

import logging
import time
from contextlib import suppress

from drivers.errors import BackendBusy
from drivers.types import Fence
from drivers.volume.local.images import DamagedImage
from drivers.volume.local.layers import LayerDirectory
from drivers.volume.local.layout import Layout
from drivers.volume.local.processes import daemons_below
from drivers.volume.local.records import forget_record, locked_record

log = logging.getLogger(__name__)

ABANDONED_S = 3600
"""A claim prepares a file for seconds; one this old has no owner any more."""
_WAIT_S = 0.05


def tidy(layout: Layout) -> None:
    """Remove abandoned preparations, run directories of nothing without a daemon, and records nobody needs.

    A volume that somebody is at work on is passed over. A live daemon is never ended here: if its volume cannot be
    seen, the likelier reason is a file system that is not mounted. :raises OSError, BackendDown: if reading fails.
    """
    running = layout.running_ids()
    preparing = {volume_id for volume_id, _fence, _path in layout.temporaries()}
    for volume_id in sorted(preparing | set(running) | layout.recorded_ids() | layout.layered_ids()):
        try:
            with locked_record(layout, volume_id, wait_s=_WAIT_S) as record:
                drop_preparations(layout, volume_id, older_than=record.book.volume)
                record.save()
                _drop_unfinished_layers(layout, volume_id)
                if not exists(layout, volume_id):
                    _drop_run_directory(layout, volume_id)
                    if record.book.is_past(now=time.time()):
                        forget_record(layout, volume_id)
        except BackendBusy:
            log.info("volume %s is being worked on and was not tidied", volume_id)
        except DamagedImage:
            log.warning("the layers of %s are damaged and were not tidied", volume_id)


def exists(layout: Layout, thing_id: str) -> bool:
    """Tell whether a volume or a snapshot has this id. :raises DamagedImage: if its layers cannot be understood."""
    kept = LayerDirectory(layout.snapshot_layers(thing_id)).order()
    return kept is not None or layout.image(thing_id).exists()


def _drop_unfinished_layers(layout: Layout, thing_id: str) -> None:
    """Remove layers that were being prepared or removed when a worker died. :raises OSError: if it fails.

    What has an order is left alone, even if its volume cannot be seen: that may not be mounted.
    """
    for directory in (LayerDirectory(layout.volume_layers(thing_id)), LayerDirectory(layout.snapshot_layers(thing_id))):
        directory.draft.remove()
        with suppress(DamagedImage):
            if directory.order() is None:
                directory.remove()


def drop_preparations(layout: Layout, volume_id: str, *, older_than: Fence | None) -> None:
    """Remove files that earlier claims prepared for a volume; the caller holds its lock. :raises OSError: if it fails.

    An earlier claim that is still alive will be refused when it wants to publish, so its file is of no use.
    """
    for found_id, fence, path in layout.temporaries():
        if found_id != volume_id:
            continue
        is_older = older_than is not None and fence < older_than
        if is_older or path.stat().st_mtime < time.time() - ABANDONED_S:
            path.unlink(missing_ok=True)


def _drop_run_directory(layout: Layout, volume_id: str) -> None:
    """Remove the run directory of a volume that is gone, unless a daemon lives there. :raises OSError: if it fails."""
    directory = layout.run_directory(volume_id)
    if not directory.is_dir():
        return
    for process in daemons_below(directory):
        log.warning("process %d exports volume %s, whose file is missing", process.pid, volume_id)
        process.close()
        return
    for path in directory.iterdir():
        path.unlink(missing_ok=True)
    directory.rmdir()
