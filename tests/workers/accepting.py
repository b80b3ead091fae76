"""Accepting volumes for the gated back-end as if placement had chosen it already."""

from pathlib import Path

from django.db import transaction

from storage_site.caller import Caller
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from tests.factories import VolumeFactory

CALLER = Caller(user_id="1" * 32, project_id="a" * 32, roles=frozenset({"member"}))
QUEUE = "volume-gated"


def accept() -> Operation:
    """Accept one volume and ring the gated back-end's queue."""
    volume = VolumeFactory.build(volume_type=None, backend="gated", pool="gated")
    with transaction.atomic():
        operation = begin(volume, "create", caller=CALLER)
        operation.task, operation.queue = "volumes.tasks.create_volume", QUEUE
        operation.save()
    return operation


def has_entered(gates: Path, operation: Operation, claim: int = 1) -> bool:
    """Tell whether a worker has come to the gate of this claim."""
    return (gates / f"{operation.resource_id}.{claim}.entered").exists()


def entries(gates: Path, operation: Operation) -> int:
    """Return how many claims have come to the operation's gate."""
    return len(list(gates.glob(f"{operation.resource_id}.*.entered")))


def let_through(gates: Path, operation: Operation, claim: int = 1) -> None:
    """Open the gate of this claim."""
    (gates / f"{operation.resource_id}.{claim}.open").touch()


def open_all(gates: Path) -> None:
    """Open every gate, now and later."""
    (gates / "open").touch()


def outcomes(*operations: Operation) -> list[str]:
    """Return how the operations have ended, "" where one has not."""
    found = {row.pk: row.outcome for row in Operation.objects.filter(pk__in=[one.pk for one in operations])}
    return [found[one.pk] for one in operations]


def have_all_ended(*operations: Operation) -> bool:
    """Tell whether each operation has ended."""
    return all(outcomes(*operations))
