"""Who may look at what names back-ends, queues and hosts: programs on this host, and holders of the token."""

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# What proxies write. A request that has one of them came from elsewhere, whatever address it comes from now.
_FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_X_REAL_IP", "HTTP_VIA"),
)


def may_watch(request: HttpRequest) -> bool:
    """Tell whether the request has the token of the settings, or comes straight from this host and needs none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if settings.WATCH_TOKEN and scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode(), settings.WATCH_TOKEN.encode())
    return settings.WATCH_FROM_LOOPBACK and _is_from_here(request)


def refusal() -> HttpResponse:
    """Return the answer to those who may not."""
    text = "Only from this host, or with the token of CELINDER_WATCH_TOKEN as “Authorization: Bearer …”.\n"
    answer = HttpResponse(text, status=401 if settings.WATCH_TOKEN else 403, content_type="text/plain; charset=UTF-8")
    if settings.WATCH_TOKEN:
        answer["WWW-Authenticate"] = "Bearer"
    return answer


def _is_from_here(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        address = ip_address(str(request.META.get("REMOTE_ADDR", "")))
    except ValueError:  # a unix socket: whoever serves it decides who gets there, and may be a proxy
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
