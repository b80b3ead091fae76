"""The Django application of watching."""

from django.apps import AppConfig


class WatchingConfig(AppConfig):
    """Canaries, metrics and diagnoses."""

    name = "storage_site.watching"
    label = "watching"

    def ready(self) -> None:
        """Make known what the engine tells in metrics, and what it finds wrong."""
        from storage_site.watching import checks, diagnosis, metrics, work  # noqa: PLC0415 - models can be imported from now on only

        for source in (work.ended, work.unfinished, work.bells, work.workers, work.birds):
            metrics.register(source.__name__, source)
        for check in (checks.operations, checks.workers, checks.birds, checks.configuration, checks.room):
            diagnosis.register(check.__name__, check)
