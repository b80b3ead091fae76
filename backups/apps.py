"""The Django application of backups."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    """Backups and their targets."""

    name = "backups"
