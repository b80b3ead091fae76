"""The kinds of volume drivers by name, each imported when it is first asked for."""

from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from drivers.errors import InvalidConfiguration

if TYPE_CHECKING:
    from drivers.volume.base import VolumeDriver

ENTRY_POINTS = "celinder.volume_drivers"
BUILT_IN = {
    "local": "drivers.volume.local:LocalDriver",
    "memory": "drivers.volume.memory:MemoryDriver",
}


def known() -> list[str]:
    """Return the names that `load` accepts, sorted."""
    return sorted(BUILT_IN.keys() | {point.name for point in entry_points(group=ENTRY_POINTS)})


def load(name: str) -> "type[VolumeDriver]":
    """Return the driver class called `name`; a package's own entry point cannot replace a built-in one.

    :raises InvalidConfiguration: if the name is unknown, or its module cannot be imported here.
    """
    target = BUILT_IN.get(name) or _entry_point(name)
    if target is None:
        message = f"There is no volume driver {name!r}; known are: {', '.join(known())}"
        raise InvalidConfiguration(message)
    try:
        found: type[VolumeDriver] = resolve_name(target)
    except (ImportError, AttributeError) as error:
        message = f"Volume driver {name!r} ({target}) cannot be loaded here: {error}"
        raise InvalidConfiguration(message) from error
    return found


def _entry_point(name: str) -> str | None:
    """Return where an installed package keeps the driver it calls `name`, if one does."""
    return next((point.value for point in entry_points(group=ENTRY_POINTS, name=name)), None)
