"""The end of all exports of this machine: they outlive their workers, so a fleet that ends must end them."""

from collections.abc import Iterable

from drivers.errors import DriverError
from volumes import backends


def end_all(keys: Iterable[str]) -> list[str]:
    """End every export of the named back-ends on this host; return what could not be ended, in words."""
    troubles = []
    for key in keys:
        try:
            backends.driver(key).stop_exports()
        except DriverError as error:
            troubles.append(f"exports of {key} may still be there: {error}")
    return troubles
