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
        from storage_site.watching.diagnosis import register  # noqa: PLC0415
        from volumes import diagnosis, quotas  # noqa: PLC0415
        from volumes.groups import quotas as group_quotas  # noqa: PLC0415

        quotas.register(group_quotas.usage_of)
        telling.explain(SENTENCES)
        for check in (diagnosis.statuses, diagnosis.forsaken, diagnosis.figures):
            register(check.__name__, check)
        checks.register(check_backends)
