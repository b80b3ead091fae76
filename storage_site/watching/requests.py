"""Counting requests: how many, how long, by the names of routes and never by what their paths name."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Where several processes serve requests, files of each hold its numbers (storage_site.fleet.counting).
REGISTRY = CollectorRegistry()
ANSWERED = Counter(
    "celinder_http_requests", "Requests that were answered.", ["route", "method", "code"], registry=REGISTRY
)
TOOK = Histogram(
    "celinder_http_request_duration_seconds",
    "How long requests took, those that wait for a worker included.",
    ["route", "method"],
    buckets=BUCKETS,
    registry=REGISTRY,
)


class CountingMiddleware:
    """Counts each request when it has been answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer `request`, and count it."""
        begun = time.perf_counter()
        response = self.get_response(request)
        labels = (route_of(request), method_of(request))
        TOOK.labels(*labels).observe(time.perf_counter() - begun)
        ANSWERED.labels(*labels, str(response.status_code)).inc()
        return response


def route_of(request: HttpRequest) -> str:
    """Return the name of the route that served the request: one of those in the URL conf, or `none`."""
    match = request.resolver_match
    return (match.view_name or "unnamed") if match else "none"


def method_of(request: HttpRequest) -> str:
    """Return the method; what HTTP does not know is `other`, for clients may send any word."""
    return request.method if request.method in METHODS else "other"
