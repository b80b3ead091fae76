"""Trying connection information with other members than it was given with, above all with others' certificates."""

from dataclasses import replace

from drivers.connect import open_connection
from drivers.errors import BackendDown
from drivers.types import ConnectionInfo

OWN = ("authority_certificate", "client_certificate", "client_key")


def with_members(info: ConnectionInfo, **members) -> ConnectionInfo:
    """Return it with other members."""
    return replace(info, data={**info.data, **members})


def with_credentials_of(info: ConnectionInfo, other: ConnectionInfo) -> ConnectionInfo:
    """Return the way of `info` with the certificates of `other`."""
    return with_members(info, **{name: other.data[name] for name in OWN})


def is_refused(info: ConnectionInfo) -> bool:
    """Tell whether nobody gets in like that."""
    try:
        open_connection(info).close()
    except BackendDown:
        return True
    return False
