"""Backups: the engine that keeps, restores and verifies them; no service asks it to yet."""
