"""The console's pages about backups, one module per noun; importing them registers them."""

from backups.admin import backups, repositories

__all__ = ["backups", "repositories"]
