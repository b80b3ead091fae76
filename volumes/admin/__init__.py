"""The console's pages about volumes, one module per noun; importing them registers them."""

from volumes.admin import attachments, projects, quotas, snapshots, types, volumes, workers

__all__ = ["attachments", "projects", "quotas", "snapshots", "types", "volumes", "workers"]
