"""The Django application of scheduling."""

from django.apps import AppConfig
from django.core import checks

from scheduling.checks import check_algorithm


class SchedulingConfig(AppConfig):
    """The choice of a back-end for each volume."""

    name = "scheduling"

    def ready(self) -> None:
        """Register the check of the settings, and what /metrics tells of pools."""
        from scheduling.diagnosis import backends  # noqa: PLC0415 - models can be imported from now on only
        from scheduling.metrics import pools  # noqa: PLC0415
        from storage_site.watching import diagnosis, metrics  # noqa: PLC0415

        metrics.register("pools", pools)
        diagnosis.register("backends", backends)
        checks.register(check_algorithm)
