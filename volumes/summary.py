"""Figures about many volumes at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, QuerySet, Sum

from volumes.models import Snapshot, Volume

TOTAL = "(total)"
_FIGURES = ("volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb")


def of(rows: QuerySet[Any], *, with_metadata: bool) -> dict[str, Any]:
    """Return how many volumes `rows` are and their size together; also which values their metadata has, by key."""
    figures = rows.aggregate(total_count=Count("pk"), total_size=Sum("size_gib", default=0))
    if with_metadata:
        figures["metadata"] = _values_by_key(rows)
    return figures


def by_project(backends: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Return what volumes and snapshots on these back-ends take up, in all and by project (contract 06 section 3)."""
    volumes = _counted(Volume.objects.filter(backend__in=backends))
    snapshots = _counted(Snapshot.objects.filter(volume__backend__in=backends, is_listed=True))
    projects = sorted(volumes.keys() | snapshots.keys())
    figures = {project: (*volumes.get(project, (0, 0)), *snapshots.get(project, (0, 0))) for project in projects}
    total = tuple(map(sum, zip(*figures.values(), strict=True))) or (0, 0, 0, 0)
    return {
        project: dict(zip(_FIGURES, map(str, row), strict=True)) for project, row in {TOTAL: total, **figures}.items()
    }


def _counted(rows: QuerySet[Any]) -> dict[str, tuple[int, int]]:
    """Return number and size of the rows, by project."""
    found = rows.order_by().values_list("project_id").annotate(Count("pk"), Sum("size_gib"))
    return {project: (count, gib) for project, count, gib in found}


def _values_by_key(rows: QuerySet[Any]) -> dict[str, list[str]]:
    values: dict[str, set[str]] = {}
    for metadata in rows.exclude(metadata={}).order_by().values_list("metadata", flat=True).iterator():
        for key, value in metadata.items():
            values.setdefault(key, set()).add(value)
    return {key: sorted(found) for key, found in values.items()}
