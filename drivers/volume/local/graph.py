"""What an export daemon's graph is made of: a node for each layer, and the throttle on top of them."""

import re
from pathlib import Path
from typing import Any

from drivers.errors import DriverError
from drivers.volume.local.monitor import Monitor

TOP = "top"
UNLIMITED = "limits"
"""The group of the throttle, and what it is called while nothing is held back."""
# The best way first; a file system or kernel that lacks one says so when the image is opened.
_WAYS_TO_OPEN = (("io_uring", True), ("native", True), ("threads", True), ("threads", False))
_LAYER = "l-"
"""Begins the daemon's name of the node of a layer."""
_LACKING = re.compile(r"io_uring|native|O_DIRECT", re.IGNORECASE)


def node_of(path: Path) -> str:
    """Return the daemon's name of the node of a layer."""
    return _LAYER + path.stem


def stack_of(monitor: Monitor) -> tuple[list[str], set[str]]:
    """Return the nodes of the layers that are served, the lowest first, and those of others that are open.

    None is served if the graph is not complete. :raises DriverError: if the daemon does not answer.
    """
    graph = monitor.execute("x-debug-query-block-graph")
    names: dict[int, str] = {node["id"]: node["name"] for node in graph["nodes"]}
    layers = {number for number, name in names.items() if name.startswith(_LAYER)}
    under = {it["parent"]: it["child"] for it in graph["edges"] if it["name"] == "backing"}
    under |= {it["parent"]: it["child"] for it in graph["edges"] if it["name"] == "file" and it["child"] in layers}
    served: list[str] = []
    number = next((it for it, name in names.items() if name == TOP), None)
    while number is not None:
        number = under.get(number)
        if number in layers:
            served.insert(0, names[number])
    return served, {names[number] for number in layers}.difference(served)


def open_layer(monitor: Monitor, path: Path, below: Path | None, *, is_read_only: bool) -> None:
    """Add a layer's nodes in the best way that works here. :raises DriverError: if none does."""
    refused: DriverError | None = None
    for way, is_direct in _WAYS_TO_OPEN:
        cache = {"direct": is_direct}
        file: dict[str, Any] = {"driver": "file", "filename": str(path), "aio": way, "discard": "unmap", "cache": cache}
        layer = {"driver": "qcow2", "discard": "unmap", "read_only": is_read_only, "cache": cache, "file": file}
        try:
            monitor.execute("blockdev-add", node_name=node_of(path), backing=below and node_of(below), **layer)
        except DriverError as error:
            if not _LACKING.search(error.message):
                raise
            refused = error
        else:
            return
    if refused is not None:
        raise refused


def throttle(file: str, *, group: str, is_read_only: bool) -> dict[str, Any]:
    """Return how the throttle on top of `file` is made, or made anew."""
    given = {"driver": "throttle", "throttle-group": group, "file": file, "discard": "unmap"}
    return {"node-name": TOP, "read-only": is_read_only, **given}
