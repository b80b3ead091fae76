"""The Django application of volumes."""

from django.apps import AppConfig


class VolumesConfig(AppConfig):
    """Volumes, their attachments, types and quotas."""

    name = "volumes"
