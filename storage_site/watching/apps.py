"""The Django application of watching."""

from django.apps import AppConfig


class WatchingConfig(AppConfig):
    """Canaries, metrics and diagnoses."""

    name = "storage_site.watching"
    label = "watching"
