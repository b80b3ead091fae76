"""Short ways of writing requests and pools."""

from typing import Any

from scheduling.placement import PoolReport, Request

VOLUME = "11111111-1111-4111-8111-111111111111"


def asks(size_gib: int = 1, **rest: Any) -> Request:
    return Request(volume_id=rest.pop("volume_id", VOLUME), size_gib=size_gib, **rest)


def pool(backend: str = "local", *, name: str = "", zone: str = "nova", **capabilities: Any) -> PoolReport:
    standing = {
        key: capabilities.pop(key)
        for key in ("is_enabled", "disabled_reason", "is_up", "is_frozen")
        if key in capabilities
    }
    known = {"total_capacity_gb": 100, "free_capacity_gb": 100, "provisioned_capacity_gb": 0, **capabilities}
    return PoolReport(
        backend=backend, host=f"host@{backend}", pool=name or backend, zone=zone, capabilities=known, **standing
    )
