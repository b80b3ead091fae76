"""Counts failed log-ins in the database, so that every web process sees the same numbers."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from storage_site.identity.errors import TooManyAttempts
from storage_site.identity.models import LoginFailures

# How many times the failures allowed to one name at one address: an address may serve several people, and one
# address alone must not be able to lock a name out for all the others.
ADDRESS_FACTOR, NAME_FACTOR = 3, 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that is being tried: under which name, from which address."""

    name: str
    address: str

    def _limits(self) -> dict[str, int]:
        allowed = settings.LOGIN_FAILURES
        return {
            _key("name-at-address", self.name, self.address): allowed,
            _key("address", self.address): allowed * ADDRESS_FACTOR,
            _key("name", self.name): allowed * NAME_FACTOR,
        }

    def admit(self) -> bool:
        """Let the attempt go on and tell whether there are failures to forget. :raises TooManyAttempts: if not."""
        now, limits = timezone.now(), self._limits()
        rows = LoginFailures.objects.filter(key__in=limits, window_ends_at__gt=now)
        counted = {row.key: row for row in rows}
        ends = [row.window_ends_at for key, row in counted.items() if row.failures >= limits[key]]
        if ends:
            raise TooManyAttempts(max(1, math.ceil((max(ends) - now).total_seconds())))
        return bool(counted)

    def failed(self) -> None:
        """Count a failure, and drop the counts whose window is over: the table holds one window, no more."""
        now = timezone.now()
        LoginFailures.objects.filter(window_ends_at__lte=now).delete()
        for key in self._limits():
            row, is_new = LoginFailures.objects.get_or_create(
                key=key,
                defaults={"failures": 1, "window_ends_at": now + timedelta(seconds=settings.LOGIN_WINDOW_S)},
            )
            if not is_new:
                LoginFailures.objects.filter(key=row.key).update(failures=F("failures") + 1)

    def succeeded(self) -> None:
        """Forget the failures of this name at this address; those of the address stay, or one account resets all."""
        LoginFailures.objects.filter(key=_key("name-at-address", self.name, self.address)).delete()


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def client_address(request: HttpRequest) -> str:
    """Return the address to count failures for: an IPv4 address, or the /64 network of an IPv6 one.

    X-Forwarded-For speaks only where a trusted proxy (settings.TRUSTED_PROXIES) wrote it.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and _is_within(address, settings.TRUSTED_PROXIES):
        address = hops.pop()
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


def _is_within(address: str, networks: Iterable[str]) -> bool:
    """Tell whether `address` lies in one of `networks`; "" (a unix socket) only where "unix" is named."""
    if not address:
        return "unix" in networks
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(network != "unix" and parsed in ip_network(network, strict=False) for network in networks)
