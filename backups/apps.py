"""The Django application of backups."""

from django.apps import AppConfig
from django.core import checks

from backups.explanations import SENTENCES


class BackupsConfig(AppConfig):
    """Backups, their targets and repositories."""

    name = "backups"

    def ready(self) -> None:
        """Make known what backups add to volumes, and have targets and keys checked by `manage.py check`."""
        from backups import diagnosis, keys, metrics, quotas, sources, targets  # noqa: PLC0415 - not before models
        from storage_site.operations import telling  # noqa: PLC0415
        from storage_site.watching import metrics as told_in_metrics  # noqa: PLC0415
        from storage_site.watching.diagnosis import register  # noqa: PLC0415
        from volumes import quotas as volume_quotas  # noqa: PLC0415
        from volumes import sources as volume_sources  # noqa: PLC0415

        volume_quotas.register(quotas.usage_of)
        volume_sources.register("backup_id", sources.find)
        telling.explain(SENTENCES)
        register("repositories", diagnosis.repositories)
        register("backups", diagnosis.backups)
        told_in_metrics.register("repositories", metrics.repositories)
        checks.register(targets.check_targets)
        checks.register(keys.check_keys)
