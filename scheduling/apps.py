"""The Django application of placement."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Placement of volumes on back-ends."""

    name = "scheduling"
