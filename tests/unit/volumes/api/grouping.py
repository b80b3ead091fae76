"""What the tests of groups share: the scheduler and the worker, carried out at once."""

from celery import current_app
from django.utils import timezone

from scheduling.reports import REPORTS
from storage_site import queues
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation
from volumes import backends
from volumes.reporting import report_of

MODULES = ("volumes.tasks", "scheduling.tasks")


def living(*keys: str) -> None:
    """Have back-ends heard of: they live, and have reported."""
    for key in keys:
        beat(queues.of_backend(key))
        REPORTS.receive(report_of(key, backends.driver(key)))


def work(most: int = 20) -> None:
    """Carry out what waits, and what follows from it, until nothing is due."""
    for module in MODULES:
        current_app.loader.import_task_module(module)
    for _ in range(most):
        waiting = Operation.objects.filter(outcome="", owner="", not_before__lte=timezone.now()).order_by("serial")
        operation = waiting.first()
        if operation is None:
            return
        current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
    raise AssertionError("there is no end of it")
