"""Backups: the queue, its worker and the names are reserved; nothing is stored yet."""
