"""The Django application of scheduling."""

from django.apps import AppConfig
from django.core import checks

from scheduling.checks import check_algorithm


class SchedulingConfig(AppConfig):
    """The choice of a back-end for each volume."""

    name = "scheduling"

    def ready(self) -> None:
        """Register the check of the settings."""
        checks.register(check_algorithm)
