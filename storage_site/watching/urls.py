"""Paths for load balancers and monitoring."""

from django.urls import path

from storage_site.watching import views

urlpatterns = [
    path("healthz", views.healthz, name="health"),
    path("healthcheck", views.healthz, name="health"),
    path("healthz/live", views.live, name="health-live"),
    path("healthz/ready", views.ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
]
