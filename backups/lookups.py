"""Finding backups, as far as their caller may see them, with everything that is shown of them."""

from django.db.models import OuterRef, QuerySet, Subquery

from backups.models import Backup
from storage_site.caller import Caller
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation


def in_full(rows: "QuerySet[Backup]", caller: Caller) -> "QuerySet[Backup]":
    """Return `rows` with everything that the answers about backups show `caller`."""
    rows = rows.with_dependents()  # type: ignore[attr-defined]
    if caller.is_admin:
        return rows
    operations = Operation.objects.filter(resource_id=OuterRef("pk"), resource_type=label_of(Backup))
    not_done = operations.filter(outcome__in=[Operation.FAILED, Operation.CANCELLED])
    return rows.annotate(fault_code=Subquery(not_done.order_by("-serial").values("fault_code")[:1]))
