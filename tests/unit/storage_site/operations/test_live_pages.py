"""What moves on the console's pages, and calling work off there."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from storage_site.operations import live
from storage_site.operations.admission import begin
from storage_site.operations.claims import claim
from storage_site.operations.models import Operation
from storage_site.operations.progress import Progress
from tests.console import Operator, list_of, make_user
from tests.factories import OperationFactory, VolumeFactory
from volumes.models import Volume

pytestmark = pytest.mark.django_db
GIB = 1024**3
ADDRESS = "admin:operations_operation_progress"


@pytest.fixture
def operator():
    return Operator()


@pytest.fixture
def running(member):
    """Work that a worker has brought to a quarter."""
    with transaction.atomic():
        operation = begin(VolumeFactory(), "delete", caller=member)
    held = claim(str(operation.id), task=operation.task, owner="node1/4711/ab")
    held.note(progress=Progress(GIB, 4 * GIB, bytes_per_s=3 * GIB // 2, seconds_left=125))
    operation.refresh_from_db()
    return operation


def states(operator, *serials):
    answer = operator.client.get(reverse(ADDRESS), {"of": serials})
    assert answer.status_code == 200
    return answer.json()["operations"]


def test_a_running_operation_says_how_far_it_is_without_a_script(running):
    bar = live.bar(running)
    assert '<progress max="100" value="25"></progress>' in bar
    assert ">25 %, 1.0 GiB of 4.0 GiB, 1.5 GiB/s, 2 min left<" in bar
    assert "hidden" not in bar


def test_a_worker_that_has_gone_silent_has_no_rate(running):
    Operation.objects.filter(pk=running.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    running.refresh_from_db()
    assert live.measure(running) == "25 %, 1.0 GiB of 4.0 GiB"


def test_work_that_is_not_measured_shows_no_bar_until_it_is(running):
    waiting = OperationFactory()
    assert '<span class="progress" hidden>' in live.bar(waiting)
    assert live.measure(waiting) == ""


def test_an_operation_that_has_ended_does_not_move(running):
    Operation.objects.filter(pk=running.pk).update(
        outcome="succeeded", finished_at=timezone.now(), owner="", lease_until=None, percent=100
    )
    running.refresh_from_db()
    parts = live.badge(running) + live.bar(running) + live.reason(running)
    assert "data-operation" not in parts
    assert "<progress" not in parts


def test_what_a_worker_said_is_only_text(running):
    Operation.objects.filter(pk=running.pk).update(step="<script>", owner="<script>/1/2")
    running.refresh_from_db()
    assert "<script>" not in live.badge(running) + live.bar(running) + live.reason(running)


@pytest.mark.parametrize("page", ["the operation", "the operations", "the volume", "the volumes"])
def test_every_page_that_shows_work_has_what_the_script_renews(operator, running, page):
    volume = Volume.objects.get(pk=running.resource_id)
    shown = operator.opens(
        {
            "the operation": running,
            "the operations": list_of(Operation),
            "the volume": volume,
            "the volumes": list_of(Volume),
        }[page]
    )
    for part in ("badge", "bar", "reason"):
        assert f'<span data-operation="{running.pk}" data-part="{part}">' in shown
    assert f'data-address="{reverse(ADDRESS)}"' in shown


def test_the_first_page_renews_what_is_in_trouble(operator, running):
    Operation.objects.filter(pk=running.pk).update(attempts=1)
    assert f'<span data-operation="{running.pk}" data-part="bar">' in operator.opens(reverse("admin:index"))


def test_the_script_is_told_how_operations_stand(operator, running):
    ended = OperationFactory(outcome="failed", finished_at=timezone.now(), fault_detail="no room")
    answer = states(operator, running.pk, ended.pk, 10**15)
    assert set(answer) == {str(running.pk), str(ended.pk)}
    assert answer[str(running.pk)] == {
        "word": "running",
        "tone": "busy",
        "reason": "By node1, process 4711.",
        "percent": 25,
        "measure": "25 %, 1.0 GiB of 4.0 GiB, 1.5 GiB/s, 2 min left",
        "is_finished": False,
    }
    assert (answer[str(ended.pk)]["is_finished"], answer[str(ended.pk)]["reason"]) == (True, "no room")


def test_what_is_no_serial_is_nothing(operator):
    assert states(operator, "x", "-1", "9" * 40, "") == {}
    assert states(operator) == {}


def test_a_look_takes_one_query_for_all_operations(operator, running):
    serials = [OperationFactory().pk for _ in range(20)]
    with CaptureQueriesContext(connection) as few:
        states(operator, serials[0])
    with CaptureQueriesContext(connection) as many:
        states(operator, *serials)
    assert len(few) == len(many)


def test_nobody_else_is_told_how_operations_stand(running):
    for who in (None, "member"):
        client = Client()
        if who:
            client.force_login(make_user("mary", who))
        answer = client.get(reverse(ADDRESS), {"of": running.pk})
        assert answer.status_code in {302, 403}


@pytest.fixture
def reverting(cancellable, member):
    cancellable("revert")
    with transaction.atomic():
        return begin(VolumeFactory(), "revert", caller=member)


def test_an_operator_calls_work_off(operator, reverting):
    volume = Volume.objects.get(pk=reverting.resource_id)
    address = reverse("admin:operations_operation_button", args=[reverting.pk, "call-off"])
    for page in (reverting, volume):
        assert f'href="{address}"' in operator.opens(page)
    [said] = operator.presses(reverting, "call-off")
    assert said.endswith("called off. The volume is error.")
    reverting.refresh_from_db()
    assert reverting.outcome == "cancelled"
    for page in (reverting, volume):
        assert f'href="{address}"' not in operator.opens(page)
    [said] = operator.presses(reverting, "call-off")
    assert "has ended already: cancelled" in said


def test_work_of_another_kind_has_no_such_button(operator, running):
    assert "/button/call-off/" not in operator.opens(running)
    [said] = operator.presses(running, "call-off")
    assert "cannot be called off" in said


def test_the_work_of_an_older_release_still_has_a_page(operator):
    old = OperationFactory(verb="retire", not_before=timezone.now() - timedelta(days=1))
    assert "retire" in operator.opens(old)
    [said] = operator.presses(old, "call-off")
    assert "Work of this kind (retire) cannot be called off" in said


def test_neither_decision_nor_checkpoint_shows_a_secret(operator):
    full = {"password": "hidden-1", "inner": [{"secret_key": "hidden-2"}], "target": "s3://me:hidden-3@host/bucket"}
    operation = OperationFactory(decision=full, checkpoint=full, arguments=full)
    shown = operator.opens(operation)
    assert "s3://(hidden)@host/bucket" in shown
    assert "hidden-" not in shown
