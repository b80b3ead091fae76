"""Limits and usage in the words of the API (contract 05, sections 3 and 4)."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from volumes import quotas
from volumes.models import QuotaClassLimit
from volumes.quotas import PER_TYPE, UNLIMITED, Usage


def names(types: Iterable[str]) -> list[str]:
    """Return the names of all limits that there are with these volume types."""
    return [*settings.QUOTA_DEFAULTS, *(f"{kind}_{name}" for name in types for kind in PER_TYPE)]


def limits_of(project_id: str, types: Iterable[str]) -> dict[str, int]:
    """Return the limits of a project ("": those of projects without their own), those per type included."""
    known = quotas.limits_of(project_id)
    return {name: known.get(name, UNLIMITED) for name in names(types)}


def limits_of_class(class_name: str, types: Iterable[str]) -> dict[str, int]:
    """Return the limits of a class: those of class `default` hold for projects without their own."""
    limits = limits_of("", types)
    own = QuotaClassLimit.objects.filter(class_name=class_name).values_list("resource", "limit")
    return limits | {name: limit for name, limit in own if name in limits}


def with_usage(project_id: str, limits: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the limits, each with what the project uses of it."""
    used = usage_of(project_id)
    return {name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in limits.items()}


def usage_of(project_id: str) -> dict[str, int]:
    """Return what a project uses of each limit, by its name: in all, by type, and of what other apps look after."""
    used = {**_used(quotas.usage_of(project_id)), **quotas.other_usage(project_id)}
    for name, usage in quotas.usage_by_type(project_id).items():
        used |= _used(usage, f"_{name}")
    return used


def _used(usage: Usage, suffix: str = "") -> dict[str, int]:
    return {
        f"volumes{suffix}": usage.volumes,
        f"gigabytes{suffix}": usage.gigabytes,
        f"snapshots{suffix}": usage.snapshots,
    }


def absolute(project_id: str, limits: Mapping[str, int], usage: Usage) -> dict[str, Any]:
    """Return limits and usage of a project under the names of the limits call."""
    others = quotas.other_usage(project_id)
    return {
        "maxTotalVolumes": limits["volumes"],
        "maxTotalSnapshots": limits["snapshots"],
        "maxTotalVolumeGigabytes": limits["gigabytes"],
        "maxTotalBackups": limits["backups"],
        "maxTotalBackupGigabytes": limits["backup_gigabytes"],
        "totalVolumesUsed": usage.volumes,
        "totalGigabytesUsed": usage.gigabytes,
        "totalSnapshotsUsed": usage.snapshots,
        "totalBackupsUsed": others.get("backups", 0),
        "totalBackupGigabytesUsed": others.get("backup_gigabytes", 0),
    }
