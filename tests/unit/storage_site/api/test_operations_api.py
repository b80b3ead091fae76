"""Operations over the API: how far the work is, for those whose it is, and how it is called off."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from storage_site.operations.admission import begin
from storage_site.operations.claims import claim
from storage_site.operations.models import Operation
from storage_site.operations.progress import Progress
from storage_site.watching import canaries
from tests.conftest import OTHER_PROJECT, PROJECT
from tests.factories import OperationFactory, VolumeFactory

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SECRETS = re.compile(r"node1|mem1|process 4711|/4711/|/srv|other-volume", re.IGNORECASE)


@pytest.fixture
def running():
    """A deletion that a worker has brought to its middle."""
    operation = OperationFactory()
    held = claim(str(operation.id), task=operation.task, owner="node1/4711/ab")
    held.note(progress=Progress(done_bytes=500, total_bytes=1000, bytes_per_s=100, seconds_left=5))
    operation.refresh_from_db()
    return operation


@pytest.fixture
def reverting(cancellable, member):
    cancellable("revert")
    with transaction.atomic():
        return begin(VolumeFactory(), "revert", caller=member)


def ids(answer):
    return [each["id"] for each in answer["operations"]]


def in_every_state():
    """Make operations that stand in every way, with everything in them that only administrators may know."""
    now = timezone.now()
    leases = ({}, {"owner": "node1/4711/ab", "lease_until": now + timedelta(minutes=1)})
    leases += ({"owner": "node1/4711/ab", "lease_until": now - timedelta(minutes=1)},)
    faults = ("", "backend-full", "no-valid-backend", "backend-down", "defect", "unheard-of", "cancelled")
    for moment in (now - timedelta(minutes=5), now + timedelta(minutes=5)):
        for fault in faults:
            said = {"fault_code": fault, "fault_detail": "/srv/mem1 on node1 is full of other-volume" if fault else ""}
            for lease in leases:
                OperationFactory(not_before=moment, deadline_at=now + timedelta(hours=1), attempts=2, **lease, **said)
            OperationFactory(not_before=moment, deadline_at=now - timedelta(minutes=1), **said)
            for outcome in ("succeeded", "failed", "cancelled"):
                OperationFactory(outcome=outcome, finished_at=now, **said)


# --- one ---------------------------------------------------------------------------------------------------------


def test_running_work_tells_how_far_it_is(as_member, running):
    shown = as_member.ok("GET", f"/operations/{running.id}")["operation"]
    assert shown.pop("created_at") <= shown.pop("started_at")
    assert shown == {
        "id": str(running.id),
        "resource_type": "volume",
        "resource_id": str(running.resource_id),
        "project_id": PROJECT,
        "verb": "delete",
        "status": "running",
        "reason": "50 % done.",
        "percent": 50,
        "bytes_done": 500,
        "bytes_total": 1000,
        "bytes_per_s": 100,
        "seconds_left": 5,
        "finished_at": None,
        "fault_code": "",
        "fault_detail": "",
    }


def test_work_that_nobody_is_at_has_no_rate(as_member, running):
    ago = timezone.now() - timedelta(seconds=1)
    Operation.objects.filter(pk=running.pk).update(lease_until=ago)
    shown = as_member.ok("GET", f"/operations/{running.id}")["operation"]
    assert (shown["status"], shown["bytes_per_s"], shown["seconds_left"]) == ("lost", 0, None)
    taken_over = claim(str(running.id), task=running.task)
    shown = as_member.ok("GET", f"/operations/{running.id}")["operation"]
    assert (shown["status"], shown["bytes_per_s"], shown["seconds_left"]) == ("running", 0, None)
    assert taken_over.operation.bytes_done == 500


def test_it_is_there_in_every_version(as_member, running):
    for version in (None, "3.0", "3.71"):
        assert as_member.ok("GET", f"/operations/{running.id}", version=version)["operation"]["percent"] == 50


def test_an_administrator_reads_who_works_and_what_it_said(as_admin, running):
    Operation.objects.filter(pk=running.pk).update(fault_code="backend-down", fault_detail="mem1 did not answer")
    shown = as_admin.ok("GET", f"/operations/{running.id}")["operation"]
    assert shown["reason"] == "By node1, process 4711."
    assert (shown["fault_code"], shown["fault_detail"]) == ("backend-down", "mem1 did not answer")


def test_nobody_else_reads_of_workers_back_ends_or_others(as_member):
    in_every_state()
    answer = as_member("GET", "/operations")
    assert len(answer.json()["operations"]) == Operation.objects.count()
    assert SECRETS.findall(answer.content.decode()) == []
    for shown in answer.json()["operations"]:
        assert shown["reason"] or (shown["status"] in {"failed", "cancelled"} and not shown["fault_code"]), shown
        assert bool(shown["fault_detail"]) == bool(shown["fault_code"])


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_work_of_another_project_is_not_there(as_stranger, reverting, method):
    expected = (404, "itemNotFound", f"Operation {reverting.id} could not be found.")
    assert as_stranger.refused(method, f"/operations/{reverting.id}") == expected
    assert as_stranger.refused(method, f"/operations/{reverting.pk}")[0] == 404
    reverting.refresh_from_db()
    assert not reverting.is_finished


def test_the_work_of_another_project_is_there_for_administrators(as_admin):
    other = OperationFactory(project_id=OTHER_PROJECT)
    assert as_admin.ok("GET", f"/operations/{other.id}")["operation"]["project_id"] == OTHER_PROJECT


# --- lists -------------------------------------------------------------------------------------------------------


def test_a_list_has_the_project_s_work_the_newest_first_in_pages(as_member):
    made = [str(OperationFactory().id) for _ in range(5)]
    OperationFactory(project_id=OTHER_PROJECT)
    path, found = "/v3/operations?limit=2", []
    while path:
        answer = as_member.ok("GET", path)
        found.append(ids(answer))
        links = answer.get("operations_links")
        path = links[0]["href"].removeprefix("http://testserver") if links else ""
    assert [len(page) for page in found] == [2, 2, 1]
    assert [each for page in found for each in page] == made[::-1]


def test_a_page_by_time_of_ending_goes_on_after_those_that_have_not_ended(as_member):
    now = timezone.now()
    ended = [OperationFactory(outcome="failed", finished_at=now - timedelta(hours=age)) for age in range(3)]
    waiting = [OperationFactory() for _ in range(2)]
    in_order = [str(each.id) for each in ended]
    in_order += sorted((str(each.id) for each in waiting), reverse=True)
    for number in range(4):
        rest = ids(as_member.ok("GET", f"/operations?sort=finished_at&marker={in_order[number]}"))
        assert rest == in_order[number + 1 :]


def test_only_administrators_list_all_projects(as_member, as_admin):
    mine, other = OperationFactory(), OperationFactory(project_id=OTHER_PROJECT)
    assert ids(as_member.ok("GET", "/operations?all_tenants=1")) == [str(mine.id)]
    assert ids(as_admin.ok("GET", "/operations")) == [str(mine.id)]
    assert ids(as_admin.ok("GET", "/operations?all_tenants=1")) == [str(other.id), str(mine.id)]
    assert ids(as_admin.ok("GET", f"/operations?all_tenants=1&project_id={OTHER_PROJECT}")) == [str(other.id)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("unfinished=true", ["put off", "fresh"]),
        ("unfinished=false", ["failed", "done"]),
        ("outcome=failed", ["failed"]),
        ("outcome=['failed','succeeded']", ["failed", "done"]),
        ("verb=extend", ["done"]),
        ("verb=delete&unfinished=true", ["put off", "fresh"]),
        ("status=postponed", ["put off"]),
        ("status=succeeded", ["done"]),
        ("status=", []),
        ("status=nothing", []),
        ("fault_code=backend-full", ["failed"]),
        ("resource_type=volume", ["failed", "put off", "done", "fresh"]),
        ("resource_type=snapshot", []),
        ("resource_type=volumes.volume", []),
    ],
)
def test_a_list_is_narrowed(as_member, query, expected):
    now = timezone.now()
    made = {
        "fresh": OperationFactory(),
        "done": OperationFactory(verb="extend", outcome="succeeded", finished_at=now),
        "put off": OperationFactory(not_before=now + timedelta(hours=1)),
        "failed": OperationFactory(outcome="failed", finished_at=now, fault_code="backend-full"),
    }
    assert ids(as_member.ok("GET", f"/operations?{query}")) == [str(made[name].id) for name in expected]


def test_a_list_is_narrowed_to_one_resource(as_member):
    wanted, _other = OperationFactory(), OperationFactory()
    assert ids(as_member.ok("GET", f"/operations?resource_id={wanted.resource_id}")) == [str(wanted.id)]
    assert ids(as_member.ok("GET", "/operations?resource_id=none")) == []


def test_what_is_no_filter_or_value_is_refused(as_member):
    assert as_member.refused("GET", "/operations?owner=node1")[0] == 400
    assert as_member.refused("GET", "/operations?unfinished=perhaps")[0] == 400
    assert as_member.refused("GET", "/operations?sort=queue")[0] == 400
    assert as_member.refused("GET", "/operations?marker=4")[0] == 404


def test_a_page_takes_one_query_and_its_marker_another(as_member):
    made = [OperationFactory() for _ in range(20)]
    for query, most in (("", 1), (f"?marker={made[-1].id}", 2)):
        with CaptureQueriesContext(connection) as queries:
            as_member.ok("GET", f"/operations{query}")
        assert len(queries) <= most


# --- calling off -------------------------------------------------------------------------------------------------


def test_work_is_called_off(as_member, reverting):
    answer = as_member("DELETE", f"/operations/{reverting.id}")
    assert (answer.status_code, answer.content) == (202, b"")
    shown = as_member.ok("GET", f"/operations/{reverting.id}")["operation"]
    assert (shown["status"], shown["fault_code"], shown["reason"]) == ("cancelled", "cancelled", "It was cancelled.")
    assert as_member.ok("GET", f"/volumes/{reverting.resource_id}")["volume"]["status"] == "error"


def test_what_cannot_be_called_off_says_why(as_member, reverting, running):
    as_member.ok("DELETE", f"/operations/{reverting.id}", status=202)
    code, name, message = as_member.refused("DELETE", f"/operations/{reverting.id}")
    assert (code, name) == (400, "badRequest")
    assert "has ended already: cancelled" in message
    code, name, message = as_member.refused("DELETE", f"/operations/{running.id}")
    assert (code, message) == (400, "Work of this kind (delete) cannot be called off.")


def test_the_description_of_the_api_names_the_members(client):
    document = client.get("/openapi.json").json()
    answer = document["paths"]["/v3/operations/{id}"]["get"]["responses"]["200"]["content"]["application/json"]
    name = answer["schema"]["properties"]["operation"]["$ref"].rpartition("/")[2]
    members = document["components"]["schemas"][name]["properties"]
    assert members["percent"]["type"] == "integer"
    assert members["seconds_left"]["nullable"] is True
    listed = document["paths"]["/v3/operations"]["get"]
    assert {"resource_id", "verb", "unfinished", "marker"} <= {each["name"] for each in listed["parameters"]}


def test_what_sees_that_workers_live_is_in_nobody_s_list(as_admin, db):
    canaries.send()
    [sent, *_others] = Operation.objects.filter(resource_type="watching.canary")
    assert as_admin.ok("GET", "/operations?all_tenants=1")["operations"] == []
    assert as_admin.refused("GET", f"/operations/{sent.id}")[0] == 404
