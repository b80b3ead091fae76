"""The settings of a local back-end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from drivers.entries import Entries
from drivers.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True)
class LocalConfiguration:
    """Where the files are, and how much of the file system may be promised."""

    root: Path
    """Entry `path`: the directory that holds everything that must survive a reboot."""
    runtime: Path
    """Entry `runtime_path` (default: inside `path`), with the key added: sockets. Must be short and may be volatile."""
    reserved_percentage: int
    """Entry `reserved_percentage` (default 0): part of the file system that volumes leave alone."""
    max_over_subscription_ratio: float
    """Entry `max_over_subscription_ratio` (default 20): how often the file system's size may be promised."""

    listen: str = ""
    """Entry `listen` (default: sockets on this host only): the name or address that other hosts reach this one by.

    Exports are then served by TCP with TLS, to those who have the certificate of an attachment."""
    ports: range = range(0)
    """Entries `first_port` and `last_port` (default 24000 to 28095), of which each exported volume takes one."""

    @classmethod
    def from_settings(cls, key: str, settings: Mapping[str, Any]) -> Self:
        """Read one entry of the settings. :raises InvalidConfiguration: naming what is wrong in it."""
        entries = Entries(key, settings)
        root = _absolute(key, "path", entries.text("path"))
        runtime = entries.text("runtime_path", "")
        found = cls(
            root=root,
            runtime=_absolute(key, "runtime_path", runtime) / key if runtime else root / "run",
            reserved_percentage=int(entries.number("reserved_percentage", 0, minimum=0, maximum=100)),
            max_over_subscription_ratio=entries.number("max_over_subscription_ratio", 20.0, minimum=1),
            listen=entries.text("listen", ""),
            ports=range(
                int(entries.number("first_port", 24000, minimum=1024, maximum=65535)),
                int(entries.number("last_port", 28095, minimum=1024, maximum=65535)) + 1,
            ),
        )
        if not found.ports:
            raise InvalidConfiguration(f"Back-end {key!r}, entry 'last_port': must not be below 'first_port'")
        entries.finish()
        return found


def _absolute(key: str, name: str, given: str) -> Path:
    """Return `given` as a path. :raises InvalidConfiguration: if it depends on the current directory."""
    if not Path(given).is_absolute() or "\0" in given:
        raise InvalidConfiguration(f"Back-end {key!r}, entry {name!r}: must be an absolute path, not {given!r}")
    return Path(given)
