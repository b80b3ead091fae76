"""Every path of the web process: wiring only."""

from django.contrib import admin
from django.urls import include, path

from storage_site.api import discovery

handler400 = "storage_site.api.failures.bad_request"
handler404 = "storage_site.api.failures.not_found"
handler500 = "storage_site.api.failures.server_error"

urlpatterns = [
    *discovery.urlpatterns,
    path("", include("storage_site.watching.urls")),
    path("admin/", admin.site.urls),
    path("", include("storage_site.identity.urls")),
    path("", include("storage_site.api.operations.urls")),
    path("", include("volumes.urls")),
    path("", include("scheduling.urls")),
    path("", include("backups.urls")),
    *discovery.fallback,
]
