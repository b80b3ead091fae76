"""What administrators may ask about the services that do the work (contract 06 section 1)."""

from django.db import transaction

from storage_site.errors import NotFound
from storage_site.operations.models import Service


@transaction.atomic
def set_enabled(*, host: str, binary: str, is_enabled: bool, reason: str | None = None) -> Service:
    """Let a service take new work, or not. :raises NotFound: if there is none of this kind on that host."""
    rows = Service.objects.filter(host=host, binary=binary)
    if not rows.update(is_disabled=not is_enabled, disabled_reason=None if is_enabled else reason):
        raise NotFound(f"Service {binary} could not be found on host {host}.")
    return rows.get()
