"""What administrators may ask about the services that do the work (contract 06 section 1)."""

from django.db import transaction

from storage_site.errors import InvalidRequest, NotFound
from storage_site.operations import heartbeat
from storage_site.operations.heartbeat import BACKUP, VOLUME
from storage_site.operations.models import Service
from storage_site.operations.sweep import sweep


@transaction.atomic
def set_enabled(*, host: str, binary: str, is_enabled: bool, reason: str | None = None) -> Service:
    """Let a service take new work, or not. :raises NotFound: if there is none of this kind on that host."""
    rows = Service.objects.filter(host=host, binary=binary)
    if not rows.update(is_disabled=not is_enabled, disabled_reason=None if is_enabled else reason):
        raise NotFound(f"Service {binary} could not be found on host {host}.")
    return rows.get()


@transaction.atomic
def set_frozen(*, host: str, is_frozen: bool) -> None:
    """Give a back-end no new volumes, or some again. :raises InvalidRequest: if there is no such back-end."""
    if not Service.objects.filter(binary=VOLUME, host=host).update(is_frozen=is_frozen):
        raise InvalidRequest(f"Service {VOLUME} could not be found on host {host}.")


def clean_up(
    *,
    host: str | None = None,
    service_id: int | None = None,
    binary: str | None = None,
    is_up: bool | None = None,
    disabled: bool | None = None,
    **_others: object,
) -> tuple[list[Service], list[Service]]:
    """Ring for everything that waits; return the services that match, those that live and those that do not.

    Any worker of a queue takes up what another left, so whose it was makes no difference.
    """
    wanted = {"host": host, "pk": service_id, "binary": binary, "is_disabled": disabled}
    rows = Service.objects.exclude(binary=BACKUP).filter(
        **{name: one for name, one in wanted.items() if one is not None}
    )
    living, silent = [], []
    for service in rows:
        (living if heartbeat.is_up(service) else silent).append(service)
    sweep()
    return ([] if is_up is False else living), ([] if is_up else silent)
