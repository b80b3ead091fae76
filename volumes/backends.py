"""The back-ends of the settings, as driver instances; only a worker that serves one makes it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.checks import Error

from drivers import registry
from drivers.errors import InvalidConfiguration
from drivers.volume.base import VolumeDriver

# Members of a back-end's table that are ours; everything else is the driver's own.
_OURS = frozenset({"driver", "zone", "volume_backend_name", "filter_function", "goodness_function"})


@cache
def driver(key: str) -> VolumeDriver:
    """Return the driver of back-end `key`, one per process. :raises InvalidConfiguration: naming the bad entry."""
    table = table_of(key)
    made: VolumeDriver = registry.load(table["driver"]).from_settings(key, driver_settings(table))
    return made


def table_of(key: str) -> Mapping[str, Any]:
    """Return the settings of back-end `key`. :raises InvalidConfiguration: if there is none."""
    try:
        table: Mapping[str, Any] = settings.STORAGE_BACKENDS[key]
    except KeyError:
        known = ", ".join(sorted(settings.STORAGE_BACKENDS)) or "none"
        raise InvalidConfiguration(f"There is no back-end {key!r} in the settings (there are: {known}).") from None
    if not isinstance(table, Mapping) or "driver" not in table:
        raise InvalidConfiguration("The entry names no driver.")
    return table


def driver_settings(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the members of a back-end's table that belong to its driver."""
    return {name: value for name, value in table.items() if name not in _OURS}


def check_backends(**_kwargs: Any) -> list[Error]:
    """Name each entry of STORAGE_BACKENDS that cannot work."""
    found = []
    for key in settings.STORAGE_BACKENDS:
        try:
            table = table_of(key)
            registry.load(table["driver"]).from_settings(key, driver_settings(table))
        except InvalidConfiguration as error:
            found.append(Error(f"Back-end {key!r}: {error}", hint="See CELINDER_BACKENDS.", id="volumes.E001"))
    return found
