"""The Django application of volumes."""

from django.apps import AppConfig
from django.core import checks

from volumes.backends import check_backends


class VolumesConfig(AppConfig):
    """Volumes, their attachments, types and quotas."""

    name = "volumes"

    def ready(self) -> None:
        """Have the back-ends' settings checked by `manage.py check`, and groups counted among what is limited."""
        from volumes import group_quotas, quotas  # noqa: PLC0415 - models can be imported from now on only

        quotas.register(group_quotas.usage_of)
        checks.register(check_backends)
