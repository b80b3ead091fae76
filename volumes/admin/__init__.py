"""The console's pages about volumes, one module per noun; importing them registers them."""

from volumes.admin import (
    attachments,
    defaults,
    group_types,
    groups,
    projects,
    qos,
    quotas,
    snapshots,
    surveys,
    transfers,
    types,
    volumes,
    workers,
)

__all__ = [
    "attachments", "defaults", "group_types", "groups", "projects", "qos", "quotas", "snapshots", "surveys",
    "transfers", "types", "volumes", "workers",
]  # fmt: skip
