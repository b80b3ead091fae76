"""Which machine and which back-end a directory belongs to."""

import json
import os
import socket
from pathlib import Path

from drivers.errors import InvalidConfiguration
from drivers.volume.local.slots import sync_directory, write_durably


def claim_directory(marker: Path, key: str) -> None:
    """Write who we are into the marker file if there is none yet, or compare.

    Two hosts that serve one directory would not see each other's locks and daemons, and ruin its volumes.

    :raises InvalidConfiguration: if the directory belongs to another host or back-end.
    :raises OSError: if the marker can be neither read nor written.
    """
    here = {"backend": key, "host": socket.gethostname(), "machine_id": _machine_id()}
    if not marker.exists():
        _write_once(marker, here)
    try:
        there = json.loads(marker.read_bytes())
        matches = all(there[name] == value for name, value in here.items())
    except (ValueError, TypeError, KeyError):
        there, matches = "unreadable", False
    if not matches:
        raise InvalidConfiguration(
            f"{marker.parent} belongs to {there}, but this is {here}. A local back-end is served by one host and under "
            f"one key only: start this worker there or give it another path. If that host is gone for good and its "
            f"disk now hangs here (or the host was renamed), delete {marker} and start again."
        )


def _write_once(marker: Path, content: dict[str, str]) -> None:
    """Write the marker as a whole, unless somebody else was faster. :raises OSError: if it fails."""
    draft = marker.with_name(f".{marker.name}.{os.getpid()}")
    write_durably(draft, json.dumps(content).encode())
    try:
        os.link(draft, marker)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync_directory(marker.parent)


def _machine_id() -> str:
    """Return what tells this machine from all others, "" where it does not know itself."""
    try:
        return Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
