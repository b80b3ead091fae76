"""What is wrong with backups and the repositories that hold them."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from backups.models import Backup, Repository
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from storage_site.watching.diagnosis import ODD, SHOWN, WRONG, Finding, limited

LATE = 3  # times the interval


def repositories() -> Iterator[Finding]:
    """Find repositories that nobody verified for long, and those whose upkeep failed the last time."""
    now, interval_s = timezone.now(), settings.BACKUP_VERIFY_INTERVAL_S
    for row in Repository.objects.order_by("target"):
        if row.target not in settings.BACKUP_TARGETS:
            yield _finding(row, ODD, "The settings have no such target: its backups cannot be restored.", "check")
            continue
        since = now - (row.verified_at or row.created_at)
        if interval_s and since > timedelta(seconds=LATE * interval_s):
            cause = f"It has not been verified for {since.days} days: whether its backups can be restored is not known."
            yield _finding(row, WRONG, cause, f"backup_verify {row.target}")
        last = Operation.objects.filter(resource_type=label_of(Repository), resource_id=row.pk).exclude(outcome="")
        failed = last.order_by("-serial").first()
        if failed is not None and failed.outcome == Operation.FAILED:
            cause = f"The last {failed.verb} failed: {failed.fault_detail}"
            yield _finding(row, WRONG, cause, f"backup_{failed.verb} {row.target}")


def _finding(row: Repository, weight: str, cause: str, command: str) -> Finding:
    about = f"repository {row.target}"
    return Finding(check="repositories", weight=weight, about=about, cause=cause, command=f"./celinder {command}")


def backups() -> Iterator[Finding]:
    """Find backups that failed or were found damaged."""
    rows = Backup.objects.filter(status__startswith="error").order_by("pk")
    found = (
        Finding(
            check="backups",
            weight=WRONG,
            about=f"backup {row.pk}",
            cause=f"Its status is {row.status}. {row.fail_reason or 'It was found damaged, or somebody has set it.'}",
            command=f"openstack volume backup delete {'--force ' if row.status != 'error' else ''}{row.pk}",
        )
        for row in rows[:SHOWN]
    )
    yield from limited(found, rows.count())
