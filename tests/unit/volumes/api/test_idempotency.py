"""Calls with an Idempotency-Key: done once, however often they are asked for (docs/idempotency.md)."""

import os
import signal
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from storage_site.idempotency import keys
from storage_site.idempotency.models import KeyedRequest
from storage_site.operations.models import Operation, Transition
from tests.calls import XML, Calls, said
from tests.factories import AttachmentFactory, SnapshotFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Attachment, Quota, Snapshot, Volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
BLANK = {"volume": {"size": 1}}
REUSED = "The Idempotency-Key was used for another request: other parameters, another body or another version."
CONNECTOR = {"host": "h1"}


def keyed(key="k1", **more):
    return {"headers": {"Idempotency-Key": key, **more}}


def same(first, again) -> bool:
    """Tell whether a repetition was answered as the first request was, and said that it was one."""
    labels = ("Content-Type", "OpenStack-API-Version", "Retry-After")
    return (
        (first.status_code, first.content) == (again.status_code, again.content)
        and [first.get(label) for label in labels] == [again.get(label) for label in labels]
        and ("Idempotency-Replayed" not in first, again["Idempotency-Replayed"]) == (True, "true")
    )


# --- the same again ----------------------------------------------------------------------------------------------


def test_a_volume_that_is_asked_for_twice_is_made_once(as_member):
    first, again = (as_member("POST", "/volumes", BLANK, **keyed()) for _time in range(2))
    assert first.status_code == 202
    assert same(first, again)
    assert Volume.objects.count() == Operation.objects.count() == 1


def test_every_kind_of_change_is_made_once(as_admin, on_storage):
    volume = on_storage(metadata={"a": "b"})
    attachment = AttachmentFactory()
    path = f"/volumes/{volume.pk}"
    for method, below, body in (
        ("PUT", path, {"volume": {"name": "x"}}),
        ("POST", f"{path}/metadata", {"metadata": {"c": "d"}}),
        ("PUT", f"{path}/metadata/a", {"meta": {"a": "e"}}),
        ("DELETE", f"{path}/metadata/a", None),
        ("POST", f"{path}/action", {"os-set_bootable": {"bootable": True}}),
        ("POST", f"{path}/action", {"os-reserve": {}}),
        ("POST", f"{path}/action", {"os-unreserve": {}}),
        ("POST", "/types", {"volume_type": {"name": "fast"}}),
        ("PUT", f"/os-quota-sets/{'a' * 32}", {"quota_set": {"volumes": 5}}),
        ("DELETE", f"/os-quota-sets/{'a' * 32}", None),
        ("DELETE", f"/attachments/{attachment.pk}", None),
        ("POST", "/snapshots", {"snapshot": {"volume_id": str(volume.pk)}}),
    ):
        key = keyed(f"{method} {below} {body}")
        first, again = (as_admin(method, below, body, **key) for _time in range(2))
        assert first.status_code in {200, 202}, (method, below, first.content)
        assert same(first, again), (method, below, again.content)
    assert Snapshot.objects.count() == 1


def test_deleting_again_is_answered_when_the_volume_has_gone(as_member):
    volume = VolumeFactory(backend="")
    first = as_member("DELETE", f"/volumes/{volume.pk}", **keyed())
    assert not Volume.objects.exists()
    assert same(first, as_member("DELETE", f"/volumes/{volume.pk}", **keyed()))
    assert as_member("DELETE", f"/volumes/{volume.pk}", **keyed("another")).status_code == 404


def test_a_refusal_is_repeated_too(as_member):
    Quota.objects.create(project_id=as_member.caller.project_id, resource="volumes", limit=0)
    first = as_member("POST", "/volumes", BLANK, **keyed())
    assert (first.status_code, first["Retry-After"]) == (413, "0")
    Quota.objects.update(limit=10)
    assert same(first, as_member("POST", "/volumes", BLANK, **keyed()))
    assert not Volume.objects.exists()


def test_what_the_refused_call_did_before_is_undone(as_member, on_storage):
    volume = on_storage()
    SnapshotFactory(volume=volume, status="available")
    SnapshotFactory(volume=volume, status="creating")
    answer = as_member("DELETE", f"/volumes/{volume.pk}?cascade=true", **keyed())
    assert answer.status_code == 400
    assert sorted(Snapshot.objects.values_list("status", flat=True)) == ["available", "creating"]


def test_a_refusal_of_the_tag_is_repeated_without_a_body(as_member):
    path = f"/volumes/{VolumeFactory(metadata={'k': 'v'}).pk}/metadata"
    for _time in range(2):
        answer = as_member("PUT", path, {"metadata": {}}, **keyed(**{"If-Match": "0"}))
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (412, b"", "text/html; charset=UTF-8")


def test_the_answer_comes_in_the_form_that_the_repetition_asks_for(as_member):
    first = as_member("POST", "/volumes", BLANK, **keyed())
    again = as_member("POST", "/volumes", BLANK, **keyed(Accept=XML))
    assert again["Content-Type"].startswith(XML)
    assert said(again) == first.json()


def test_bodies_that_say_the_same_are_the_same(as_member):
    raw = b'{"volume": {"size": 1, "name": "x"}}'
    first = as_member("POST", "/volumes", raw=raw, **keyed())
    turned = b'{ "volume":{"name":"x","size":1}}'
    assert same(first, as_member("POST", "/volumes", raw=turned, **keyed()))
    in_xml = b'<volume><size type="number">1</size><name>x</name></volume>'
    assert same(first, as_member("POST", "/volumes", raw=in_xml, content_type=XML, **keyed()))


# --- another request ---------------------------------------------------------------------------------------------


def test_a_key_that_comes_with_something_else_is_refused(as_member):
    as_member.ok("POST", "/volumes", BLANK, status=202, **keyed())
    refusal = (409, "conflictingRequest", REUSED)
    assert as_member.refused("POST", "/volumes", {"volume": {"size": 2}}, **keyed()) == refusal
    assert as_member.refused("POST", "/volumes", BLANK, version="3.70", **keyed()) == refusal
    assert as_member.refused("POST", "/volumes?x=1", BLANK, **keyed()) == refusal
    assert Volume.objects.count() == 1


def test_a_key_counts_for_one_user_in_one_project_on_one_path(as_member, as_admin, as_stranger):
    for calls in (as_member, as_admin, as_stranger):
        calls.ok("POST", "/volumes", BLANK, status=202, **keyed())
    as_member.ok("POST", "/v3/volumes", BLANK, status=202, **keyed())
    assert Volume.objects.count() == 4
    volume = Volume.objects.filter(project_id=as_member.caller.project_id).first()
    as_member.ok("PUT", f"/volumes/{volume.pk}", {"volume": {"name": "x"}}, **keyed())


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
def test_a_key_of_another_form_is_refused(as_member, key):
    code, name, message = as_member.refused("POST", "/volumes", BLANK, **keyed(key))
    assert (code, name, message[:18]) == (400, "badRequest", "An Idempotency-Key")
    assert not Volume.objects.exists()


def test_the_longest_key_is_a_key(as_member):
    for _time in range(2):
        as_member.ok("POST", "/volumes", BLANK, status=202, **keyed("x" * 255))
    assert Volume.objects.count() == 1


def test_what_only_looks_does_not_use_a_key_up(as_member):
    as_member.ok("GET", "/volumes", **keyed())
    assert not KeyedRequest.objects.exists()


@pytest.mark.parametrize(
    "call",
    [
        ("POST", "/volumes", {"x": 1}, 400),
        ("DELETE", "/volumes/00000000-0000-0000-0000-000000000000", None, 404),
        ("POST", "/types", {"volume_type": {"name": "x"}}, 403),
        ("POST", "/volumes/00000000-0000-0000-0000-000000000000/action", {"nothing": {}}, 400),
        ("PUT", "/attachments/00000000-0000-0000-0000-000000000000", {"attachment": {"connector": {}}}, 404),
    ],
)
def test_a_request_that_is_refused_is_refused_as_without_a_key(as_member, call):
    *request, status = call
    without = as_member(*request)
    with_key = as_member(*request, **keyed())
    assert (with_key.status_code, with_key.content) == (without.status_code, without.content)
    assert with_key.status_code == status


def test_nobody_learns_from_a_key_that_may_not_call_any_more(as_admin, admin):
    path, body = "/types", {"volume_type": {"name": "fast"}}
    as_admin.ok("POST", path, body, **keyed())
    demoted = Calls(type(admin)(user_id=admin.user_id, project_id=admin.project_id, roles=frozenset({"reader"})))
    assert demoted.refused("POST", path, body, **keyed())[0] == 403


# --- secrets -----------------------------------------------------------------------------------------------------


def test_a_secret_is_told_once_and_not_kept(as_member, on_storage):
    volume = on_storage()
    made = as_member.ok("POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}}, status=202, **keyed())
    code, name, message = as_member.refused(
        "POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}}, **keyed()
    )
    assert (code, name) == (409, "conflictingRequest")
    assert "held a secret" in message
    assert made["transfer"]["auth_key"]
    assert "auth_key" not in KeyedRequest.objects.get().answer
    assert Transition.objects.filter(to_status="awaiting-transfer").count() == 1


def test_an_answer_that_is_too_large_is_not_kept_and_the_call_not_made_again(as_member):
    path = f"/volumes/{VolumeFactory(metadata={f'k{number}': 'v' * 255 for number in range(1100)}).pk}/metadata"
    as_member.ok("POST", path, {"metadata": {"a": "1"}}, **keyed())
    as_member.ok("POST", path, {"metadata": {"a": "2"}})
    assert as_member.refused("POST", path, {"metadata": {"a": "1"}}, **keyed())[0] == 409
    assert Volume.objects.get().metadata["a"] == "2"


# --- calls that wait for a worker --------------------------------------------------------------------------------


def attach(calls, volume, key="k1", connector=CONNECTOR):
    body = {"attachment": {"volume_uuid": str(volume.pk), "connector": connector}}
    return calls("POST", "/attachments", body, **keyed(key))


def test_an_attachment_that_is_asked_for_twice_is_made_once_and_told_again(as_member, on_storage, worker):
    volume = on_storage(is_multiattach=True)
    first, again = (attach(as_member, volume) for _time in range(2))
    assert (first.status_code, again.status_code) == (200, 200), again.content
    told, retold = (answer.json()["attachment"] for answer in (first, again))
    assert told["connection_info"] == retold["connection_info"] != {}
    assert told["id"] == retold["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert Attachment.objects.count() == 1
    row = KeyedRequest.objects.get()
    assert (row.resource, row.status, row.answer) == (told["id"], None, "")
    assert attach(as_member, volume, connector={"host": "h2"}).status_code == 409


def test_an_attachment_whose_answer_was_slow_is_gone_on_with(as_member, on_storage, settings, request):
    settings.CONNECT_WAIT_S = 0
    volume = on_storage()
    assert attach(as_member, volume).status_code == 502
    request.getfixturevalue("worker")
    again = attach(as_member, volume)
    assert (again.status_code, Attachment.objects.count()) == (200, 1)
    assert again.json()["attachment"]["connection_info"]


def test_an_attachment_that_has_failed_is_tried_again_and_not_doubled(as_member, on_storage, worker):
    volume = on_storage(is_multiattach=True)
    refused = VolumeFactory(is_multiattach=True)  # is not on the storage, so it cannot be exported
    assert attach(as_member, refused).status_code == 500
    assert attach(as_member, refused).status_code == 500
    assert Attachment.objects.count() == 1
    assert attach(as_member, volume, "k2").status_code == 200


def test_an_attachment_that_has_gone_since_is_not_made_again(as_member, on_storage, worker):
    volume = on_storage()
    made = attach(as_member, volume).json()["attachment"]["id"]
    as_member.ok("DELETE", f"/attachments/{made}")
    again = attach(as_member, volume)
    assert (again.status_code, made in again.content.decode()) == (404, True)


def test_a_refused_attachment_uses_no_key_up(as_member, on_storage, worker):
    volume = on_storage(status="error")
    assert attach(as_member, volume).status_code == 400
    Volume.objects.update(status="available")
    assert attach(as_member, volume).status_code == 200


def test_a_connection_that_is_asked_for_twice_is_told_twice(as_member, on_storage, worker):
    path, body = f"/volumes/{on_storage().pk}/action", {"os-initialize_connection": {"connector": CONNECTOR}}
    first, again = (as_member.ok("POST", path, body, **keyed()) for _time in range(2))
    assert first == again
    assert Attachment.objects.count() == 1
    assert KeyedRequest.objects.get().answer == ""
    other = {"os-initialize_connection": {"connector": {"host": "h2"}}}
    assert as_member.refused("POST", path, other, **keyed())[0] == 409


def test_shutting_a_host_out_is_done_once(as_member, on_storage, worker):
    volume = on_storage()
    made = attach(as_member, volume).json()["attachment"]["id"]
    for _time in range(2):
        assert as_member.ok("DELETE", f"/attachments/{made}", **keyed("k2")) == {"attachments": []}
    path = f"/volumes/{volume.pk}/action"
    as_member.ok("POST", path, {"os-terminate_connection": {"connector": None}}, status=202, **keyed("k3"))
    as_member.ok("POST", path, {"os-reserve": None}, status=202)
    as_member.ok("POST", path, {"os-terminate_connection": {"connector": None}}, status=202, **keyed("k3"))
    assert Volume.objects.get().status == "attaching"


# --- at once -----------------------------------------------------------------------------------------------------


def test_of_twenty_that_come_at_once_one_makes_the_volume_and_all_are_told_of_it(member):
    def create():
        return Calls(member)("POST", "/volumes", BLANK, **keyed())

    answers = at_once(*[create] * 20)
    assert Volume.objects.count() == Operation.objects.count() == 1
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1


def test_of_many_attachments_that_are_asked_for_at_once_one_is_made(member, on_storage, worker):
    volume = on_storage(is_multiattach=True)
    answers = at_once(*[lambda: attach(Calls(member), volume)] * 6)
    assert Attachment.objects.count() == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["attachment"]["id"] for answer in answers}) == 1


def test_a_request_that_does_not_come_to_an_end_is_not_waited_for(member, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time, and bounds the wait for it by itself")
    monkeypatch.setattr(keys, "PATIENCE_MS", 100)

    def create():
        return Calls(member)("POST", "/volumes", BLANK, **keyed())

    with transaction.atomic():
        create()
        [busy] = at_once(create)
        transaction.set_rollback(True)
    assert (busy.status_code, busy["Retry-After"]) == (409, "1")
    assert "being carried out" in busy.json()["conflictingRequest"]["message"]
    assert create().status_code == 202
    assert Volume.objects.count() == 1


# --- failing in the middle ---------------------------------------------------------------------------------------


def test_a_fault_uses_no_key_up_and_leaves_nothing(as_member, settings):
    settings.DEFAULT_VOLUME_TYPE = "missing"
    assert as_member("POST", "/volumes", BLANK, **keyed()).status_code == 500
    settings.DEFAULT_VOLUME_TYPE = "__DEFAULT__"
    assert not KeyedRequest.objects.exists()
    as_member.ok("POST", "/volumes", BLANK, status=202, **keyed())


class Dying:
    """Kills this process instead of sending the statement that comes after `left` others."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, execute, *rest):
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return execute(*rest)


def die_after(statements: int, call) -> None:
    """Make the call in a process of its own, killed after so many statements, or when it would answer."""
    connection.close()
    child = os.fork()
    if not child:
        try:
            with connection.execute_wrapper(Dying(statements)):
                call()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def statements_of(call) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def test_wherever_the_process_is_killed_the_repetition_finds_or_makes_the_one_volume(member):
    def create(key):
        return Calls(member)("POST", "/volumes", BLANK, **keyed(key))

    Quota.objects.create(project_id=member.project_id, resource="volumes", limit=-1)
    Quota.objects.create(project_id=member.project_id, resource="gigabytes", limit=-1)
    many = statements_of(partial(create, "counted")) + 1
    found = 0
    for killed_at in range(many + 1):
        before = Volume.objects.count()
        die_after(killed_at, partial(create, f"k{killed_at}"))
        accepted = Volume.objects.count() - before
        found += accepted
        answer = create(f"k{killed_at}")
        assert answer.status_code == 202, answer.content
        assert Volume.objects.count() == before + 1
        assert answer.get("Idempotency-Replayed") == ("true" if accepted else None)
        assert str(Volume.objects.latest("created_at").pk) == answer.json()["volume"]["id"]
    assert found >= 1
    assert Operation.objects.count() == Volume.objects.count()


def test_wherever_the_process_is_killed_the_repetition_finds_or_makes_the_one_attachment(member, on_storage, request):
    volumes = []
    while Attachment.objects.count() < 3:  # later it only waits
        volumes.append(on_storage(is_multiattach=True))
        die_after(len(volumes), partial(attach, Calls(member), volumes[-1], f"k{len(volumes)}"))
    request.getfixturevalue("worker")
    for number, volume in enumerate(volumes, start=1):
        answer = attach(Calls(member), volume, f"k{number}")
        assert answer.status_code == 200, (number, answer.content)
        assert [str(one.pk) for one in volume.attachments.all()] == [answer.json()["attachment"]["id"]]


# --- what it costs -----------------------------------------------------------------------------------------------


def test_without_a_key_it_costs_nothing_and_with_one_little(as_member):
    def create(**more):
        return statements_of(partial(as_member, "POST", "/volumes", BLANK, **more))

    create()
    without, with_key, repeated = create(), create(**keyed()), create(**keyed())
    assert not any(
        "keyedrequest" in query["sql"] for query in queries_of(partial(as_member, "POST", "/volumes", BLANK))
    )
    assert with_key <= without + 9, "row, look, answer, two savepoints, and the bound of PostgreSQL"
    assert repeated <= 6


def queries_of(call):
    with CaptureQueriesContext(connection) as queries:
        call()
    return list(queries)
