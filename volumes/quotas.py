"""Usage and limits: usage is counted from the rows, under a lock per project, when something is added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Model, Q, Sum, Value
from django.db.models.functions import Coalesce

from volumes.errors import GigabytesExceeded, SnapshotLimitExceeded, VolumeLimitExceeded, VolumeTooLarge
from volumes.models import ProjectLock, Quota, Snapshot, Volume, VolumeType

UNLIMITED = -1
Counter = Callable[[str], Mapping[str, int]]
_counters: list[Counter] = []
_SIZE = Coalesce("growing_to_gib", "size_gib")
PER_TYPE = ("volumes", "gigabytes", "snapshots")
_COUNTED = ("volumes", "snapshots", "gigabytes")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a project, or its volumes of one type, take up."""

    volumes: int
    gigabytes: int
    snapshots: int = 0


def register(counter: Counter) -> None:
    """Have `counter` tell what a project uses of limits that other apps look after, by their names."""
    _counters.append(counter)


def other_usage(project_id: str) -> Mapping[str, int]:
    """Return what the project uses of the limits that other apps look after."""
    return {name: used for counter in _counters for name, used in counter(project_id).items()}


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


def admit_retyped(*, project_id: str, size_gib: int, volume_type: VolumeType) -> None:
    """Lock the project and make sure that a volume of it may be of this type too. As admit_volume.

    In all the project has no more than before.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits = limits_of(project_id)
    _, usage = _usage_with_type(project_id, volume_type)
    volumes = limits.get(f"volumes_{volume_type.name}", UNLIMITED)
    if volumes != UNLIMITED and usage.volumes + 1 > volumes:
        raise VolumeLimitExceeded(volumes, f"volumes_{volume_type.name}")
    gigabytes = limits.get(f"gigabytes_{volume_type.name}", UNLIMITED)
    if gigabytes != UNLIMITED and usage.gigabytes + size_gib > gigabytes:
        raise GigabytesExceeded(size_gib, gigabytes, usage.gigabytes)


def admit_snapshot(*, project_id: str, size_gib: int, volume_type: VolumeType | None) -> None:
    """Lock the project and make sure that one more snapshot, of `size_gib` GiB, fits. As admit_volume.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits = limits_of(project_id)
    suffixes = ("", f"_{volume_type.name}" if volume_type else "")
    for usage, suffix in zip(_usage_with_type(project_id, volume_type), suffixes, strict=True):
        snapshots = limits.get(f"snapshots{suffix}", UNLIMITED)
        if snapshots != UNLIMITED and usage.snapshots + 1 > snapshots:
            raise SnapshotLimitExceeded(snapshots, f"snapshots{suffix}")
        gigabytes = limits.get(f"gigabytes{suffix}", UNLIMITED)
        if gigabytes != UNLIMITED and usage.gigabytes + size_gib > gigabytes:
            raise GigabytesExceeded(size_gib, gigabytes, usage.gigabytes)


def admit_received(*, project_id: str, volume: Volume) -> None:
    """Lock the project and make sure that a volume, whose row and whose snapshots' have just become its, fits.

    :raises OverLimit: naming the quota that does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limits = limits_of(project_id)
    _admit_size(volume.size_gib, limits["per_volume_gigabytes"])
    suffixes = ("", f"_{volume.volume_type.name}" if volume.volume_type else "")
    for usage, suffix in zip(_usage_with_type(project_id, volume.volume_type), suffixes, strict=True):
        volumes, snapshots, gigabytes = (limits.get(f"{name}{suffix}", UNLIMITED) for name in _COUNTED)
        if volumes != UNLIMITED and usage.volumes > volumes:
            raise VolumeLimitExceeded(volumes, f"volumes{suffix}")
        if snapshots != UNLIMITED and usage.snapshots > snapshots:
            raise SnapshotLimitExceeded(snapshots, f"snapshots{suffix}")
        if gigabytes != UNLIMITED and usage.gigabytes > gigabytes:
            raise GigabytesExceeded(volume.size_gib, gigabytes, usage.gigabytes - volume.size_gib)


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
    """Return what the project's volumes and snapshots take up, by the name of the volumes' type.

    A volume counts for the type that it is changing to as well.
    """
    volumes = _added(
        _by_type(Volume, project_id, "volume_type__name", _SIZE),
        _by_type(Volume, project_id, "retyping_to__name", _SIZE),
    )
    snapshots = _by_type(Snapshot, project_id, "volume__volume_type__name", F("size_gib"))
    return {
        name: Usage(
            volumes=volumes.get(name, (0, 0))[0],
            gigabytes=volumes.get(name, (0, 0))[1] + snapshots.get(name, (0, 0))[1],
            snapshots=snapshots.get(name, (0, 0))[0],
        )
        for name in volumes.keys() | snapshots.keys()
    }


def _by_type(model: type[Model], project_id: str, type_name: str, size: Any) -> Mapping[str, tuple[int, int]]:
    """Return number and size of the rows that count, by the name of their type."""
    counted = model._default_manager.filter(project_id=project_id, consumes_quota=True)  # noqa: SLF001
    rows = counted.exclude(**{type_name: None}).values_list(type_name).annotate(rows=Count("pk"), gib=Sum(size))
    return {name: (count, total) for name, count, total in rows}


def _added(some: Mapping[str, tuple[int, int]], more: Mapping[str, tuple[int, int]]) -> Mapping[str, tuple[int, int]]:
    """Return the sum of two countings."""
    found = dict(some)
    for name, (count, total) in more.items():
        before = found.get(name, (0, 0))
        found[name] = (before[0] + count, before[1] + total)
    return found


def _usage_with_type(project_id: str, volume_type: VolumeType | None) -> tuple[Usage, Usage]:
    """Return what the project takes up, in all and by volumes of one type."""
    of_volumes = Q(volume_type=volume_type) | Q(retyping_to=volume_type) if volume_type else Q(pk=None)
    of_snapshots = Q(volume__volume_type=volume_type) if volume_type else Q(pk=None)
    counted = _figures(Volume, project_id, of_volumes, _SIZE)
    found = {
        row.pop("kind"): row
        for row in counted.union(_figures(Snapshot, project_id, of_snapshots, F("size_gib")), all=True)
    }
    volumes, snapshots = found["volume"], found["snapshot"]
    return (
        Usage(volumes["rows"], volumes["gib"] + snapshots["gib"], snapshots["rows"]),
        Usage(volumes["typed"], volumes["typed_gib"] + snapshots["typed_gib"], snapshots["typed"]),
    )


def _figures(model: type[Model], project_id: str, same_type: Q, size: Any) -> Any:
    """Return the query for number and size of the rows that count, and of those of one type: a single row."""
    counted = model._default_manager.filter(project_id=project_id, consumes_quota=True).order_by()  # noqa: SLF001
    return counted.values(kind=Value(model._meta.model_name)).annotate(  # noqa: SLF001
        rows=Count("pk"),
        gib=Coalesce(Sum(size), 0),
        typed=Count("pk", filter=same_type),
        typed_gib=Coalesce(Sum(size, filter=same_type), 0),
    )


def _admit_size(size_gib: int, limit: int) -> None:
    if limit != UNLIMITED and size_gib > limit:
        raise VolumeTooLarge(size_gib, limit)
