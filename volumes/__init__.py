"""Volumes, their attachments, types and quotas."""
