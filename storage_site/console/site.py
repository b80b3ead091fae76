"""The admin site of operators."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from storage_site.console import overview


class Console(admin.AdminSite):
    """The admin site of operators: every row readable, every verb the same service that the API calls."""

    site_title = site_header = "Celinder"
    index_title = "Operator console"
    index_template = "admin/overview.html"
    enable_nav_sidebar = True

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the first page: how the service is, then what there is to look at."""
        return super().index(request, {"overview": overview.now(), **(extra_context or {})})
