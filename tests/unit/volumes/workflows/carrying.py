"""Operations to carry out on back-ends whose calls can be let fail."""

from django.db import transaction
from django.utils import timezone

from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from storage_site.operations.perform import carry_out
from tests.factories import VolumeFactory
from tests.faults import FaultyDriver
from volumes.models import Volume

CREATE = "volumes.tasks.create_volume"
CANDIDATES = [{"backend": key, "pool": key, "host": f"celinder@{key}", "weight": 1.0} for key in ("mem1", "mem2")]


def exists_on(driver: FaultyDriver, volume: Volume) -> bool:
    """Tell whether the back-end has the volume."""
    return str(volume.pk) in {ref.id for ref in driver.inner.list_volumes()}


def placed(member, **fields) -> tuple[Volume, Operation]:
    """Accept a volume and place it on mem1 before mem2, as the scheduler would."""
    volume = VolumeFactory.build(volume_type=None, **fields)
    with transaction.atomic():
        operation = begin(volume, "create", caller=member)
        operation.task, operation.queue = CREATE, "volume-mem1"
        operation.decision = {"candidates": CANDIDATES, "refused": {"celinder@tiny#tiny": "1 GiB free, 5 asked"}}
        operation.save()
    return volume, operation


def carry_on(operation: Operation, workflow) -> Operation:
    """Let a worker take the operation up now; return it as it is then."""
    Operation.objects.filter(pk=operation.pk, outcome="").update(not_before=timezone.now())
    operation.refresh_from_db()
    carry_out(str(operation.id), workflow, task=operation.task)
    operation.refresh_from_db()
    return operation
