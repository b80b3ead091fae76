"""The operator's console: Django's admin, with the state of the service on its first page."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Put the console in the place of Django's default admin site."""

    default_site = "storage_site.console.Console"


class Console(admin.AdminSite):
    """The admin site of operators: every row readable, every verb the same service that the API calls."""

    site_title = site_header = "Celinder"
    index_title = "Operator console"
    enable_nav_sidebar = True
