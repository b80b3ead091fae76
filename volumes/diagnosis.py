"""What is wrong with volumes, snapshots and attachments."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.utils import timezone

from storage_site.operations.history import label_of
from storage_site.operations.lifecycle import KEEP
from storage_site.operations.models import Operation
from storage_site.watching.diagnosis import ODD, SHOWN, WRONG, Finding, limited
from volumes.lifecycle import VOLUME
from volumes.models import Attachment, Snapshot, Volume

# Statuses in which work of a volume's own goes on: without an unfinished operation nobody will end them. An operator
# may have put a volume into maintenance, too.
AT_WORK = sorted({verb.during for verb in VOLUME if verb.task} - {KEEP, "maintenance"})
SETTLED_AFTER = timedelta(minutes=10)
_MENDS_VOLUME = {
    "error": "openstack volume delete {id}",
    "error_deleting": "openstack volume delete --force {id}",
}
_MENDS_SNAPSHOT = {
    "error": "openstack volume snapshot delete {id}",
    "error_deleting": "openstack volume snapshot delete --force {id}",
}
_KEEP_VOLUME = "openstack volume set --state available {id}"
_DETACH = "openstack --os-volume-api-version 3.27 volume attachment delete {id}"


def statuses() -> Iterator[Finding]:
    """Find what is in a status of error, with the reason of the operation that failed."""
    yield from _in_error(Volume.objects.all(), "volume", _MENDS_VOLUME, _KEEP_VOLUME)
    keep = "openstack volume snapshot set --state available {id}"
    yield from _in_error(Snapshot.objects.all(), "snapshot", _MENDS_SNAPSHOT, keep)
    yield from _in_error(Attachment.objects.all(), "attachment", {}, _DETACH)


def _in_error(rows: "QuerySet[Any]", kind: str, mends: Mapping[str, str], otherwise: str) -> Iterator[Finding]:
    broken = rows.filter(status__startswith="error").order_by("pk")
    shown = list(broken[:SHOWN])
    reasons = _reasons(rows.model, [row.pk for row in shown])
    found = (
        Finding(
            check="statuses",
            weight=WRONG,
            about=f"{kind} {row.pk}",
            cause=f"Its status is {row.status}. {reasons.get(row.pk, 'Somebody has set it.')}",
            command=mends.get(row.status, otherwise).format(id=row.pk),
        )
        for row in shown
    )
    yield from limited(found, broken.count() if len(shown) == SHOWN else len(shown))


def _reasons(model: Any, ids: list[Any]) -> dict[Any, str]:
    """Return why the latest operation of each failed; two queries for all."""
    failed = Operation.objects.filter(resource_type=label_of(model), resource_id__in=ids, outcome=Operation.FAILED)
    latest = failed.order_by().values("resource_id").annotate(last=Max("serial")).values_list("last", flat=True)
    rows = Operation.objects.filter(serial__in=list(latest)).values_list("resource_id", "verb", "fault_detail")
    return {resource_id: f"{verb} failed: {detail}" for resource_id, verb, detail in rows}


def forsaken() -> Iterator[Finding]:
    """Find volumes that show work which nobody does, and what is lent though nobody works with it."""
    before = timezone.now() - SETTLED_AFTER
    unfinished = Operation.objects.filter(outcome="")
    going_on, on_its_group = (unfinished.filter(resource_id=OuterRef(name)) for name in ("pk", "group_id"))
    rows = Volume.objects.filter(status__in=AT_WORK, created_at__lt=before).exclude(updated_at__gt=before)
    rows = rows.filter(~Exists(going_on), ~Exists(on_its_group)).order_by("pk")
    found = (
        Finding(
            check="forsaken",
            weight=WRONG,
            about=f"volume {row.pk}",
            cause=f"Its status is {row.status} and nobody works on it: it was set by hand, or the database restored.",
            command=f"openstack volume set --state error {row.pk}",
        )
        for row in rows[:SHOWN]
    )
    yield from limited(found, rows.count())
    yield from _lent_to_nobody(before)


def _lent_to_nobody(before: Any) -> Iterator[Finding]:
    borrowing = Operation.objects.filter(resource_id=OuterRef("lent_to"), outcome="")
    mine = Operation.objects.filter(resource_id=OuterRef("pk"), outcome="")
    lent = Attachment.objects.filter(lent_to__isnull=False, created_at__lt=before)
    rows = lent.filter(~Exists(borrowing), ~Exists(mine)).order_by("pk")
    found = (
        Finding(
            check="forsaken",
            weight=WRONG,
            about=f"attachment {row.pk} of volume {row.volume_id}",
            cause=f"It is lent for work on {row.lent_to}, which nobody does any more: the export stays open.",
            command=f"(in the console) /admin/volumes/attachment/{row.pk}/change/",
        )
        for row in rows[:SHOWN]
    )
    yield from limited(found, rows.count())


def figures() -> Iterator[Finding]:
    """Find figures that cannot be: a volume that grows without work, counted at its later size for ever."""
    going_on = Operation.objects.filter(resource_id=OuterRef("pk"), outcome="")
    rows = (
        Volume.objects.filter(growing_to_gib__gt=F("size_gib"))
        .filter(~Exists(going_on))
        .exclude(status__startswith="error")
    )
    for row in rows.order_by("pk")[:SHOWN]:
        yield Finding(
            check="figures",
            weight=ODD,
            about=f"volume {row.pk}",
            cause=f"It counts {row.growing_to_gib} GiB of the quota, has {row.size_gib}, and nobody extends it.",
            command=f"openstack volume set --size {row.growing_to_gib} {row.pk}",
        )
