"""The admin site of operators."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from storage_site.console import overview
from storage_site.watching import diagnosis


class Console(admin.AdminSite):
    """The admin site of operators: every row readable, every verb the same service that the API calls."""

    site_title = site_header = "Celinder"
    index_title = "Operator console"
    index_template = "admin/overview.html"
    enable_nav_sidebar = True

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the first page: how the service is, then what there is to look at."""
        return super().index(request, {"overview": overview.now(), **(extra_context or {})})

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return the site's paths, and that of the doctor's page."""
        return [path("doctor/", self.admin_view(self.doctor), name="doctor"), *super().get_urls()]

    def doctor(self, request: HttpRequest) -> HttpResponse:
        """Answer with all that is wrong or odd, as `./celinder doctor` says it."""
        if not request.user.is_superuser:
            raise PermissionDenied
        shown = {**self.each_context(request), "title": "What is wrong", "findings": diagnosis.examine()}
        return TemplateResponse(request, "admin/doctor.html", shown)
