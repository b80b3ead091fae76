"""A host's side of connection information: one module per protocol, found by its `driver_volume_type`."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

from drivers.connect.base import Connection, Extent
from drivers.errors import NotSupported
from drivers.types import ConnectionInfo

__all__ = ["BUILT_IN", "Connection", "Extent", "open_connection"]

BUILT_IN = {
    "memory": "drivers.connect.memory:MemoryConnection",
    "nbd": "drivers.connect.nbd:NbdConnection",
}


def open_connection(given: ConnectionInfo | Mapping[str, Any]) -> Connection:
    """Return an open connection to an exported volume, from its connection information in any of its forms.

    :raises NotSupported: if the protocol is unknown, or what it needs is not installed on this host.
    :raises BackendDown: if the volume cannot be reached.
    """
    info = given if isinstance(given, ConnectionInfo) else ConnectionInfo.from_mapping(given)
    target = BUILT_IN.get(info.driver_volume_type)
    if target is None:
        known = ", ".join(sorted(BUILT_IN))
        raise NotSupported(f"This host cannot connect by {info.driver_volume_type!r}; it knows: {known}")
    kind: type[Connection] = resolve_name(target)
    return kind.open(info)
