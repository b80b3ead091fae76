"""What the engine's tests share: operations on volumes, and a storage that records what was done to it."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from storage_site.operations import shutdown
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation
from tests.factories import VolumeFactory


class Storage:
    """Records the calls it gets, and fails those it is told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, Exception] = {}

    def call(self, name: str) -> Callable[..., str]:
        def act(*_args: object, fence: object) -> str:
            self.calls.append(name)
            if name in self.failures:
                raise self.failures[name]
            return name

        return act


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def accept(member):
    """Accept a deletion, the simplest operation there is, on a fresh volume."""

    def accept_one(**fields: object) -> Operation:
        volume = VolumeFactory()
        with transaction.atomic():
            operation = begin(volume, "delete", caller=member)
        if fields:
            Operation.objects.filter(pk=operation.pk).update(**fields)
            operation.refresh_from_db()
        return operation

    return accept_one


def refuse(_resource: object) -> None:
    """Fail, where a table names this as what belongs to a failure."""
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def not_ending():
    shutdown.withdraw()
    yield
    shutdown.withdraw()


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run the functions in threads that start together; return what each returned or raised."""
    barrier = threading.Barrier(len(functions))
    results: list[object] = [None] * len(functions)

    def run(index: int, function: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            results[index] = function()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
