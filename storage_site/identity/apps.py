"""The identity app: how Django finds it."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Users, projects, roles and tokens of a deployment without Keystone."""

    name = "storage_site.identity"
    label = "identity"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Identity"
