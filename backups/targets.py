"""The targets of the settings, as instances; only a backup worker uses one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.checks import Error

from drivers import backup as drivers
from drivers.backup import BackupTarget
from drivers.errors import InvalidConfiguration

# Members of a target's table that are ours; everything else is the driver's own.
_OURS = frozenset({"zone"})


@cache
def target(key: str) -> BackupTarget:
    """Return target `key`, one per process. :raises InvalidConfiguration: naming the bad entry."""
    table = table_of(key)
    return drivers.make(key, {name: value for name, value in table.items() if name not in _OURS})


def table_of(key: str) -> Mapping[str, Any]:
    """Return the settings of target `key`. :raises InvalidConfiguration: if there is none."""
    table = settings.BACKUP_TARGETS.get(key)
    if not isinstance(table, Mapping):
        known = ", ".join(sorted(settings.BACKUP_TARGETS)) or "none"
        raise InvalidConfiguration(f"There is no backup target {key!r} in the settings (there are: {known}).")
    return table


def names() -> list[str]:
    """Return the keys of all targets."""
    return list(settings.BACKUP_TARGETS)


def default() -> str:
    """Return the key of the target for which nothing else is asked."""
    return settings.BACKUP_DEFAULT_TARGET or next(iter(settings.BACKUP_TARGETS), "")


def zone_of(key: str) -> str:
    """Return the availability zone of a target."""
    return str(settings.BACKUP_TARGETS.get(key, {}).get("zone", settings.STORAGE_AVAILABILITY_ZONE))


def check_targets(**_kwargs: Any) -> list[Error]:
    """Name each entry of BACKUP_TARGETS that cannot work."""
    found = []
    for key in {*settings.BACKUP_TARGETS, default()} - {""}:
        try:
            target(key)
        except InvalidConfiguration as error:
            text = f"Backup target {key!r}: {error}"
            found.append(Error(text, hint="See CELINDER_BACKUP_TARGETS.", id="backups.E001"))
    return found
