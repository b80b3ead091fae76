"""The workers of cells that are played in this process: they take real bells from Celery's broker in memory.

While nobody is at work, time passes as fast as is needed: what was put off is due, what was held by the dead is free.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from celery import current_app
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from backups import targets
from backups.models import Repository
from drivers.backup import memory
from scheduling.reports import REPORTS
from storage_site import queues
from storage_site.operations.clock import in_seconds
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation
from storage_site.operations.sweep import sweep
from volumes import backends
from volumes.models import VolumeType
from volumes.reporting import report_of

MOST_TURNS = 60
TASK_MODULES = ("volumes.tasks", "scheduling.tasks", "backups.tasks", "storage_site.watching.tasks")


class Died(BaseException):
    """Ends a worker where it is, as nothing else would: no code of ours is to catch it."""


@dataclass(frozen=True, slots=True)
class Bell:
    """A message of the broker."""

    task: str
    operation_id: str


@dataclass
class LocalWorkers:
    """Carry out one operation after the other. `drop` tells of each bell whether it is lost on its way."""

    backend_keys: tuple[str, ...]
    drop: Callable[[Bell], bool] = lambda _bell: False
    sweeps: int = field(default=0)

    def __post_init__(self) -> None:
        for module in TASK_MODULES:
            current_app.loader.import_task_module(module)
        self._queues = [queues.SCHEDULER, queues.BACKUP, *map(queues.of_backend, self.backend_keys)]

    def show_up(self) -> None:
        """Begin with empty targets, and let it be known that the back-ends live and what room they have."""
        for target in settings.BACKUP_TARGETS:
            memory.forget(target)
        Repository.objects.all().delete()
        targets.target.cache_clear()
        VolumeType.objects.get_or_create(name=settings.DEFAULT_VOLUME_TYPE)
        for key in self.backend_keys:
            beat(queues.of_backend(key))
            REPORTS.receive(report_of(key, backends.driver(key)))

    def finish(self, operations: "Callable[[], QuerySet[Operation]]") -> None:
        """Work until these have ended. :raises AssertionError: if they do not."""
        for _turn in range(MOST_TURNS):
            rung = self.take()
            for bell in rung:
                if not self.drop(bell):
                    answer(bell)
            if rung:
                continue
            if not operations().filter(outcome="").exists():
                return
            self.let_time_pass()
        waiting = operations().filter(outcome="").values_list("verb", "task", "fault_code", "fault_detail")
        raise AssertionError(f"still not done: {list(waiting)}")

    def let_time_pass(self) -> None:
        """Make everything due that waits or is held by the dead, and sweep."""
        waiting = Operation.objects.filter(outcome="")
        waiting.update(not_before=timezone.now())
        waiting.exclude(owner="").update(lease_until=in_seconds(-1))
        sweep()
        self.sweeps += 1

    def take(self) -> list[Bell]:
        """Take all bells that wait now."""
        found = []
        with current_app.connection_for_read() as connection:
            channel = connection.default_channel
            for queue in self._queues:
                channel.queue_declare(queue=queue)
                while (message := channel.basic_get(queue, no_ack=True)) is not None:
                    found.append(_bell_of(channel.message_to_python(message) if isinstance(message, dict) else message))
        return found


def _bell_of(message: Any) -> Bell:
    _args, kwargs, _embedded = message.payload
    return Bell(message.headers["task"], kwargs["operation_id"])


def answer(bell: Bell) -> None:
    """Have a worker of this process take the bell; one that dies has simply gone."""
    try:
        current_app.tasks[bell.task].apply(kwargs={"operation_id": bell.operation_id}, throw=True)
    except Died:
        return


def expire(operation: Operation) -> None:
    """Let the lease of whoever holds the operation run out."""
    held = Operation.objects.filter(serial=operation.serial, outcome="").exclude(owner="")
    held.update(lease_until=in_seconds(-1))
