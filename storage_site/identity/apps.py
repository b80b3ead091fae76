"""The identity app: how Django finds it."""

from django.apps import AppConfig
from django.core import checks

from storage_site.identity.checks import check_keystone


class IdentityConfig(AppConfig):
    """Who there is and what they may do: in our own rows, or as a Keystone says."""

    name = "storage_site.identity"
    label = "identity"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Identity"

    def ready(self) -> None:
        """Have the settings checked by `manage.py check`."""
        checks.register(check_keystone)
