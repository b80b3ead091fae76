"""Usage and limits: usage is counted from the rows, under a lock per project, when something is added."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from volumes.errors import GigabytesExceeded, VolumeLimitExceeded, VolumeTooLarge
from volumes.models import ProjectLock, Quota, Volume, VolumeType

UNLIMITED = -1
_SIZE = Coalesce("growing_to_gib", "size_gib")
PER_TYPE = ("volumes", "gigabytes", "snapshots")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a project, or its volumes of one type, take up."""

    volumes: int
    gigabytes: int


def admit_volume(*, project_id: str, size_gib: int, volume_type: VolumeType | None) -> None:
    """Lock the project and make sure that one more volume fits. To be called in the transaction that adds it.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits = limits_of(project_id)
    _admit_size(size_gib, limits["per_volume_gigabytes"])
    type_name = volume_type.name if volume_type else ""
    total, of_type = _usage_with_type(project_id, volume_type)
    for usage, suffix in ((total, ""), (of_type, f"_{type_name}")):
        volumes = limits.get(f"volumes{suffix}", UNLIMITED)
        if volumes != UNLIMITED and usage.volumes + 1 > volumes:
            raise VolumeLimitExceeded(volumes, f"volumes{suffix}")
        gigabytes = limits.get(f"gigabytes{suffix}", UNLIMITED)
        if gigabytes != UNLIMITED and usage.gigabytes + size_gib > gigabytes:
            raise GigabytesExceeded(size_gib, gigabytes, usage.gigabytes)


def admit_growth(*, project_id: str, added_gib: int, size_gib: int, volume_type: VolumeType | None) -> None:
    """Lock the project and make sure that a volume of it may grow by `added_gib` to `size_gib`. As admit_volume.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits = limits_of(project_id)
    _admit_size(size_gib, limits["per_volume_gigabytes"])
    suffix = f"_{volume_type.name}" if volume_type else ""
    for usage, name in zip(_usage_with_type(project_id, volume_type), ("gigabytes", f"gigabytes{suffix}"), strict=True):
        limit = limits.get(name, UNLIMITED)
        if limit != UNLIMITED and usage.gigabytes + added_gib > limit:
            raise GigabytesExceeded(added_gib, limit, usage.gigabytes)


def limits_of(project_id: str) -> Mapping[str, int]:
    """Return every limit that holds for the project: its own, else the default row's, else the settings'."""
    limits = dict(settings.QUOTA_DEFAULTS)
    rows = Quota.objects.filter(project_id__in=["", project_id]).order_by("project_id")
    limits.update((row.resource, row.limit) for row in rows)
    return limits


def usage_of(project_id: str) -> Usage:
    """Return what all volumes of the project take up."""
    return _usage_with_type(project_id, None)[0]


def usage_by_type(project_id: str) -> Mapping[str, Usage]:
    """Return what the project's volumes take up, by the name of their type."""
    rows = (
        _counted(project_id)
        .exclude(volume_type=None)
        .values("volume_type__name")
        .annotate(volumes=Count("pk"), gigabytes=Coalesce(Sum(_SIZE), 0))
    )
    return {row["volume_type__name"]: Usage(row["volumes"], row["gigabytes"]) for row in rows}


def _counted(project_id: str):
    return Volume.objects.filter(project_id=project_id, consumes_quota=True)


def _usage_with_type(project_id: str, volume_type: VolumeType | None) -> tuple[Usage, Usage]:
    same_type = Q(volume_type=volume_type) if volume_type else Q(pk=None)
    row = _counted(project_id).aggregate(
        volumes=Count("pk"),
        gigabytes=Coalesce(Sum(_SIZE), 0),
        type_volumes=Count("pk", filter=same_type),
        type_gigabytes=Coalesce(Sum(_SIZE, filter=same_type), 0),
    )
    return Usage(row["volumes"], row["gigabytes"]), Usage(row["type_volumes"], row["type_gigabytes"])


def _admit_size(size_gib: int, limit: int) -> None:
    if limit != UNLIMITED and size_gib > limit:
        raise VolumeTooLarge(size_gib, limit)
