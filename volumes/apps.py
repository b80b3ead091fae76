"""The Django application of volumes."""

from django.apps import AppConfig
from django.core import checks

from volumes.backends import check_backends
from volumes.explanations import SENTENCES


class VolumesConfig(AppConfig):
    """Volumes, their attachments, types and quotas."""

    name = "volumes"

    def ready(self) -> None:
        """Have the back-ends' settings checked by `manage.py check`, groups counted, and faults explained."""
        from storage_site.operations import telling  # noqa: PLC0415 - models can be imported from now on only
        from volumes import group_quotas, quotas  # noqa: PLC0415

        quotas.register(group_quotas.usage_of)
        telling.explain(SENTENCES)
        checks.register(check_backends)
