"""The Django application of volumes."""

from django.apps import AppConfig
from django.core import checks

from volumes.backends import check_backends


class VolumesConfig(AppConfig):
    """Volumes, their attachments, types and quotas."""

    name = "volumes"

    def ready(self) -> None:
        """Have the back-ends' settings checked by `manage.py check`."""
        checks.register(check_backends)
