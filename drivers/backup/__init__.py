"""Backup targets: one module per kind of place, found by its name and imported when it is first asked for."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from drivers.backup.base import BackupTarget, Content, ObjectInfo, TargetCapabilities
from drivers.backup.limited import LimitedTarget, TokenBucket
from drivers.entries import Entries
from drivers.errors import InvalidConfiguration

__all__ = ["BUILT_IN", "BackupTarget", "Content", "ObjectInfo", "TargetCapabilities", "known", "load", "make"]

ENTRY_POINTS = "celinder.backup_targets"
BUILT_IN = {
    "memory": "drivers.backup.memory:MemoryTarget",
    "posix": "drivers.backup.posix:PosixTarget",
    "s3": "drivers.backup.s3:S3Target",
}


def known() -> list[str]:
    """Return the names that `load` accepts, sorted."""
    return sorted(BUILT_IN.keys() | {point.name for point in entry_points(group=ENTRY_POINTS)})


def load(name: str) -> type[BackupTarget]:
    """Return the class of targets called `name`; a package's own entry point cannot replace a built-in one.

    :raises InvalidConfiguration: if the name is unknown, or its module cannot be imported here.
    """
    place = BUILT_IN.get(name) or _entry_point(name)
    if place is None:
        raise InvalidConfiguration(f"There is no backup target driver {name!r}; known are: {', '.join(known())}")
    try:
        found: type[BackupTarget] = resolve_name(place)
    except (ImportError, AttributeError) as error:
        message = f"Backup target driver {name!r} ({place}) cannot be loaded here: {error}"
        raise InvalidConfiguration(message) from error
    return found


def make(key: str, settings: Mapping[str, Any]) -> BackupTarget:
    """Return target `key` as its settings say: `driver` names its kind, `max_mib_per_s` limits it (0: not at all).

    :raises InvalidConfiguration: naming the target and the entry that is wrong.
    """
    kind = settings.get("driver")
    if not isinstance(kind, str):
        raise InvalidConfiguration(f"Backup target {key!r}, entry 'driver': must be one of: {', '.join(known())}")
    target = load(kind).from_settings(key, settings)
    entries = Entries(key, {name: settings[name] for name in {"max_mib_per_s"} & settings.keys()}, of="Backup target")
    limit = entries.number("max_mib_per_s", 0, minimum=0)
    return LimitedTarget(target, TokenBucket(limit * 1024**2)) if limit else target


def _entry_point(name: str) -> str | None:
    """Return where an installed package keeps the driver it calls `name`, if one does."""
    return next((point.value for point in entry_points(group=ENTRY_POINTS, name=name)), None)
