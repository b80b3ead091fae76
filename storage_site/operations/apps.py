"""The Django application of operations."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Operations, their transitions and the services that carry them out."""

    name = "storage_site.operations"
