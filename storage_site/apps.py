"""The Django application of the project itself: its management commands."""

from django.apps import AppConfig


class StorageSiteConfig(AppConfig):
    """Commands that concern the whole fleet."""

    name = "storage_site"
