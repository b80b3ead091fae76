"""The operator's console: Django's admin, with the state of the service on its first page."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Put the console in the place of Django's default admin site."""

    # Named, not imported: this module is loaded before there are models.
    default_site = "storage_site.console.site.Console"
