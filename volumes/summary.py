"""Figures about many volumes at once."""

from typing import Any

from django.db.models import Count, QuerySet, Sum


def of(rows: QuerySet[Any], *, with_metadata: bool) -> dict[str, Any]:
    """Return how many volumes `rows` are and their size together; also which values their metadata has, by key."""
    figures = rows.aggregate(total_count=Count("pk"), total_size=Sum("size_gib", default=0))
    if with_metadata:
        figures["metadata"] = _values_by_key(rows)
    return figures


def _values_by_key(rows: QuerySet[Any]) -> dict[str, list[str]]:
    values: dict[str, set[str]] = {}
    for metadata in rows.exclude(metadata={}).order_by().values_list("metadata", flat=True).iterator():
        for key, value in metadata.items():
            values.setdefault(key, set()).add(value)
    return {key: sorted(found) for key, found in values.items()}
