"""Which services are alive: each worker process writes when it was last seen."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from storage_site import queues
from storage_site.operations.models import Service

VOLUME, SCHEDULER, BACKUP = "cinder-volume", "cinder-scheduler", "cinder-backup"


def beat(queue: str) -> None:
    """Write that a worker of `queue` lives in this process."""
    binary, host, backend = identity_of(queue)
    Service.objects.update_or_create(
        binary=binary,
        host=host,
        defaults={
            "backend": backend,
            "zone": zone_of(backend),
            "node_host": settings.NODE_HOST,
            "last_seen_at": timezone.now(),
        },
    )


def identity_of(queue: str) -> tuple[str, str, str]:
    """Return binary, host and back-end of the service that consumes `queue`, in the API's words."""
    if queue == queues.SCHEDULER:
        return SCHEDULER, settings.NODE_HOST, ""
    if queue == queues.BACKUP:
        return BACKUP, settings.NODE_HOST, ""
    backend = queue.removeprefix(queues.of_backend(""))
    return VOLUME, host_of(backend), backend


def host_of(backend: str) -> str:
    """Return the `host@backend` under which the API knows a back-end."""
    return f"{settings.CLUSTER_HOST}@{backend}"


def zone_of(backend: str) -> str:
    """Return the availability zone of a back-end; of every other service, for ""."""
    zone: str = settings.STORAGE_BACKENDS.get(backend, {}).get("zone", settings.STORAGE_AVAILABILITY_ZONE)
    return zone


def is_up(service: Service) -> bool:
    """Tell whether the service was seen lately enough to count as alive (contract 06, section 1)."""
    return timezone.now() - service.last_seen_at <= timedelta(seconds=settings.SERVICE_DOWN_S)
