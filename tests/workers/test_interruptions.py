"""Workers that are stopped, killed or continued in the middle of their work."""

import signal

import pytest
from django.db import transaction

from storage_site.operations.admission import begin
from storage_site.operations.models import Operation, Transition
from storage_site.operations.sweep import sweep
from tests.waiting import until
from tests.workers.accepting import CALLER, QUEUE, accept, has_entered, have_all_ended, let_through, open_all
from tests.workers.conftest import ready
from volumes.models import Volume

pytestmark = pytest.mark.both_databases


@pytest.fixture
def broker(request):
    """One broker is enough here: what the messages promise is tested beside this."""
    return request.getfixturevalue("valkey_lane")


def holder_of(operation: Operation, *workers):
    """Return the worker that holds the operation, and the others."""
    owner = Operation.objects.get(pk=operation.pk).owner
    holders = [worker for worker in workers if f"/{worker.process.pid}/" in owner]
    return holders[0], [worker for worker in workers if worker not in holders]


def taken_over(gates, operation, claim: int = 2) -> bool:
    sweep()
    return has_entered(gates, operation, claim)


def test_a_stopped_worker_that_goes_on_writes_neither_to_the_database_nor_to_the_storage(workers, gates, folder):
    one, two = (workers.start(QUEUE, name, CELINDER_CONCURRENCY="1") for name in ("one", "two"))
    ready(one, two)
    operation = accept()
    until(lambda: has_entered(gates, operation), "a worker has begun")
    stopped, _others = holder_of(operation, one, two)
    stopped.signal(signal.SIGSTOP)
    until(lambda: taken_over(gates, operation), "the other worker has taken over", 30)
    let_through(gates, operation, claim=2)
    until(lambda: have_all_ended(operation), "the other worker has finished")
    volume = Volume.objects.get(pk=operation.resource_id)
    assert volume.status == "available"
    with transaction.atomic():
        deletion = begin(volume, "delete", caller=CALLER)
    until(lambda: sweep() >= 0 and have_all_ended(deletion), "the volume is deleted", 30)
    history = list(Transition.objects.values_list("id", flat=True))
    rows = list(Operation.objects.order_by("serial").values_list("outcome", "fence", "step", "finished_at"))
    files = sorted(path.name for path in (folder / "pool").rglob("*.qcow2"))

    let_through(gates, operation, claim=1)
    stopped.signal(signal.SIGCONT)
    refused = gates / f"{operation.resource_id}.1.StaleFence"
    until(refused.exists, "the storage has refused the stopped worker")
    until(lambda: "claim lost" in stopped.log, "the stopped worker has given up")

    assert list(Transition.objects.values_list("id", flat=True)) == history
    assert list(Operation.objects.order_by("serial").values_list("outcome", "fence", "step", "finished_at")) == rows
    assert sorted(path.name for path in (folder / "pool").rglob("*.qcow2")) == files == []
    assert not Volume.objects.exists()


def test_a_killed_worker_s_work_is_taken_up_by_another_and_finished(workers, gates, folder):
    one, two = (workers.start(QUEUE, name, CELINDER_CONCURRENCY="1") for name in ("one", "two"))
    ready(one, two)
    operation = accept()
    until(lambda: has_entered(gates, operation), "a worker has begun")
    holder_of(operation, one, two)[0].signal(signal.SIGKILL)
    until(lambda: taken_over(gates, operation), "the other worker has taken over", 30)
    open_all(gates)
    until(lambda: have_all_ended(operation), "it has ended")
    operation.refresh_from_db()
    assert (operation.outcome, operation.attempts) == ("succeeded", 1)
    assert len(list((folder / "pool").rglob("*.qcow2"))) == 1


def test_a_worker_that_renews_its_lease_is_not_taken_over_however_long_it_works(workers, gates):
    one, two = (workers.start(QUEUE, name, CELINDER_CONCURRENCY="1") for name in ("one", "two"))
    ready(one, two)
    operation = accept()
    until(lambda: has_entered(gates, operation), "a worker has begun")
    first_lease = Operation.objects.get(pk=operation.pk).lease_until

    def renewed_thrice() -> bool:
        sweep()
        lease = Operation.objects.get(pk=operation.pk).lease_until
        return (lease - first_lease).total_seconds() > 6

    until(renewed_thrice, "the lease was renewed beyond twice its length")
    assert not has_entered(gates, operation, claim=2)
    open_all(gates)
    until(lambda: have_all_ended(operation), "it has ended")
