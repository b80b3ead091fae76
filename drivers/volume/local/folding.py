"""Folding a layer into the one below it when nobody needs the state between the two any more.

Whoever has one of the two must have the other right above or below it: then the lower one may be overwritten with
what the upper one holds, and at no moment does anybody read anything else than before. The orders are changed after
that, one by one; a crash leaves a layer too many at some of them, never a wrong byte.
"""

import itertools
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from drivers.errors import BackendBusy
from drivers.volume.local.daemon import ExportDaemon
from drivers.volume.local.images import sync_file
from drivers.volume.local.layers import LayerDirectory, Order
from drivers.volume.local.layout import Layout
from drivers.volume.local.programs import run_limited
from drivers.volume.local.records import locked_record

log = logging.getLogger(__name__)

MOST_BYTES_AT_ONCE = 256 * 1024**2
"""A larger layer is folded only by a daemon, beside its work; without one the volume would be locked too long."""
MOST_BYTES_IN_A_HURRY = 16 * 1024**2
MANY_LAYERS = 6
MOST_AT_ONCE = 4
WAIT_S = 2.0
"""How long to wait for a daemon to finish; it goes on after that, and the next call finds it done."""
_LOCK_WAIT_S = 0.05


def fold(layout: Layout, volume_id: str, *, is_hurried: bool = False) -> None:
    """Fold what can be folded of a volume's layers; the caller holds its lock. Those in use elsewhere are left alone.

    In a hurry nothing is waited for, and only a long row of layers is looked at.

    :raises DriverError, OSError: if it fails; nothing is lost then.
    """
    own = LayerDirectory(layout.volume_layers(volume_id))
    if is_hurried and len((own.order() or Order(())).layers) < MANY_LAYERS:
        return
    for _ in range(MOST_AT_ONCE):
        holders = _holders(layout)
        pair = _foldable(own, holders)
        if pair is None:
            return
        concerned = [directory for directory, order in holders if pair[1] in order.layers]
        try:
            with _all_locked(layout, own, concerned):
                # Only now is it certain that nobody begins to need the state between the two.
                if _foldable(own, _holders(layout)) != pair or not _fold_pair(layout, own, pair, is_hurried=is_hurried):
                    return
                for directory in concerned:
                    _drop(directory, pair[1])
                ExportDaemon(layout.run_directory(volume_id), own.files(own.order() or Order(()))).follow()
        except BackendBusy:
            log.info("layers of volume %s are in use and were not folded", volume_id)
            return


def _holders(layout: Layout) -> list[tuple[LayerDirectory, Order]]:
    """Return all volumes and snapshots that have layers. :raises DamagedImage, OSError: if one cannot be read."""
    found = [LayerDirectory(path) for path in layout.layers.iterdir()]
    return [(directory, order) for directory in found if (order := directory.order()) is not None]


def _foldable(own: LayerDirectory, holders: list[tuple[LayerDirectory, Order]]) -> tuple[str, str] | None:
    """Return the lowest two layers that can become one, lower first; the highest layer is never one of them."""
    order = own.order()
    for pair in itertools.pairwise(order.layers[:-1] if order else ()):
        concerned = [it.layers for _directory, it in holders if pair[0] in it.layers or pair[1] in it.layers]
        if all(pair in itertools.pairwise(layers) for layers in concerned):
            return pair
    return None


@contextmanager
def _all_locked(layout: Layout, own: LayerDirectory, concerned: list[LayerDirectory]) -> Iterator[None]:
    """Hold the locks of all that have the layers. :raises BackendBusy: if one is held, or has a daemon."""
    with ExitStack() as locks:
        for directory in concerned:
            if directory.path == own.path:
                continue
            if directory.path.name.startswith("."):
                raise BackendBusy(f"{directory.path} is being made")
            held_id = directory.path.name.partition("-")[2]
            locks.enter_context(locked_record(layout, held_id, wait_s=_LOCK_WAIT_S))
            if layout.run_directory(held_id).exists():
                raise BackendBusy(f"{directory.path} is exported")
        yield


def _fold_pair(layout: Layout, own: LayerDirectory, pair: tuple[str, str], *, is_hurried: bool) -> bool:
    """Bring what the upper layer holds into the lower one, and tell whether that is finished. Raises as `fold`."""
    order = own.order() or Order(())
    lower, upper = (own.file(layer) for layer in pair)
    daemon = ExportDaemon(layout.run_directory(own.path.name.partition("-")[2]), own.files(order))
    if daemon.is_running():
        return daemon.fold(lower, upper, wait_s=0 if is_hurried else WAIT_S)
    if upper.stat().st_blocks * 512 > (MOST_BYTES_IN_A_HURRY if is_hurried else MOST_BYTES_AT_ONCE):
        return False
    chain = own.files(Order(order.layers[: order.layers.index(pair[1]) + 1]))
    run_limited(["qemu-img", "commit", "-q", "-d", "--", f"json:{json.dumps(_graph(chain))}"])
    sync_file(lower)
    return True


def _graph(layers: list[Path]) -> dict[str, Any]:
    """Return how to open layers, with all that lies below said."""
    found: dict[str, Any] | None = None
    for path in layers:
        found = {"driver": "qcow2", "file": {"driver": "file", "filename": str(path)}, "backing": found}
    return found or {}


def _drop(directory: LayerDirectory, layer: str) -> None:
    """Take a layer out of an order, then remove its link. :raises OSError: if that fails."""
    order = directory.order()
    if order is not None and layer in order.layers:
        directory.write(Order(tuple(it for it in order.layers if it != layer), order.volume_id, order.size_gib))
        directory.file(layer).unlink(missing_ok=True)
