"""The places between which work can end, as those hear of them who listen."""

from functools import partial

import pytest

from drivers.errors import BackendBusy
from storage_site.operations.boundaries import reached
from storage_site.operations.perform import carry_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
run = partial(carry_out, task="volumes.tasks.delete_volume")


@pytest.fixture
def heard():
    """Return where the boundaries go, and what is to be raised at which."""
    told, raised = [], {}

    def hear(operation, boundary, **_rest) -> None:
        told.append(boundary)
        if boundary in raised:
            raise raised[boundary]

    reached.connect(hear)
    yield told, raised
    reached.disconnect(hear)


def workflow_of(storage):
    def workflow(op, _volume):
        op.step("one", storage.call("one"), undo=storage.call("undo one"))
        op.note(checkpoint={"at": 1})
        op.note(percent=50)
        op.note(also=lambda: storage.calls.append("also"))
        op.finish()

    return workflow


def test_each_step_each_note_that_counts_and_the_end_are_told_before_and_after(accept, storage, heard):
    run(str(accept().id), workflow_of(storage))
    pairs = [f"{when} {what}" for what in ("one", "checkpoint", "also", "finish") for when in ("before", "after")]
    assert heard[0] == ["begun", *pairs]


def test_what_a_listener_raises_is_taken_as_the_storage_s_own(accept, storage, heard):
    told, raised = heard
    raised["after one"] = BackendBusy("no answer")
    operation = accept()
    run(str(operation.id), workflow_of(storage))
    operation.refresh_from_db()
    assert (operation.outcome, operation.fault_code, operation.step) == ("", "backend-busy", "one")
    assert told == ["begun", "before one", "after one", "before put off", "after put off"]
