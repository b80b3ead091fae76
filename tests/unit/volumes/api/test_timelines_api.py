"""Timelines over HTTP: what happened, what it waits for, what can be done."""

from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory, BackupFactory, OperationFactory, SnapshotFactory, VolumeFactory
from tests.unit.volumes.conftest import taken

MADE = {
    "volumes": VolumeFactory,
    "snapshots": SnapshotFactory,
    "attachments": AttachmentFactory,
    "backups": BackupFactory,
}


def timeline(calls, thing, kind="volumes"):
    return calls.ok("GET", f"/{kind}/{thing if isinstance(thing, str) else thing.pk}/timeline")["timeline"]


def created(calls) -> str:
    return calls.ok("POST", "/volumes", {"volume": {"size": 1}}, status=202)["volume"]["id"]


@pytest.mark.parametrize("kind", MADE)
def test_everything_has_a_timeline_for_those_whose_it_is(as_member, as_stranger, kind):
    thing = MADE[kind]()
    assert timeline(as_member, thing, kind)["advice"] == "Nothing needs to be done."
    assert as_stranger.refused("GET", f"/{kind}/{thing.pk}/timeline")[0] == 404


def test_what_waits_says_so_and_what_can_be_done(as_member, as_admin, member):
    volume = created(as_member)
    told = timeline(as_member, volume)
    assert told["status"] == "creating"
    (event,) = told["events"]
    assert (event["verb"], event["from_status"], event["to_status"]) == ("create", "(new)", "creating")
    assert event["actor_id"] == member.user_id
    (operation,) = told["waits_for"]
    assert operation["status"] == "waiting"
    assert told["advice"] == "It begins as soon as a worker is free. If it goes on waiting, tell an administrator."
    assert timeline(as_admin, volume)["advice"].startswith("See whether a worker of queue scheduler runs")


def test_what_failed_says_why_to_everybody_and_where_to_administrators(as_member, as_admin):
    volume = created(as_member)
    taken("create").fail("no-valid-backend", "host7@fast is full")
    told = timeline(as_member, volume)
    assert (told["status"], told["waits_for"]) == ("error", [])
    assert told["last_failure"]["fault_code"] == "no-valid-backend"
    assert told["events"][0]["reason"] == "No storage was found that could take it."
    assert told["advice"] == "Ask for less, or for another volume type or zone."
    assert "host7" not in str(told)
    told = timeline(as_admin, volume)
    assert told["events"][0]["reason"] == "host7@fast is full"
    assert told["advice"].startswith("See the refusals of each back-end")


@pytest.mark.parametrize(
    ("fields", "status", "advice"),
    [
        ({"fault_code": "backend-down", "not_before": timedelta(seconds=60)}, "postponed", "tried again by itself"),
        ({"owner": "host/1/x", "lease_until": timedelta(seconds=30)}, "running", "Nothing needs"),
        ({"owner": "host/1/x", "lease_until": timedelta(seconds=-30)}, "lost", "taken up again by itself"),
        ({"deadline_at": timedelta(seconds=-30)}, "overdue", "ended within seconds"),
    ],
)
def test_work_that_does_not_go_on_explains_itself(as_member, fields, status, advice):
    now = timezone.now()
    moments = {name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    volume = VolumeFactory(status="deleting")
    OperationFactory(volume=volume, **moments)
    told = timeline(as_member, volume)
    assert told["waits_for"][0]["status"] == status
    assert advice in told["advice"]
    assert "host/1" not in str(told)


def test_an_older_failure_is_forgotten_when_something_succeeded(as_member):
    volume = VolumeFactory()
    ended = {"finished_at": timezone.now()}
    OperationFactory(volume=volume, outcome=Operation.FAILED, fault_code="backend-full", **ended)
    OperationFactory(volume=volume, outcome=Operation.SUCCEEDED, **ended)
    told = timeline(as_member, volume)
    assert (told["last_failure"], told["advice"]) == (None, "Nothing needs to be done.")


def test_a_timeline_costs_the_same_however_long_it_is(as_member, django_assert_max_num_queries):
    volume = VolumeFactory()
    for _ in range(20):
        OperationFactory(volume=volume, outcome=Operation.SUCCEEDED, finished_at=timezone.now())
    with django_assert_max_num_queries(4):
        timeline(as_member, volume)
