"""Contract 03, part 2: attachments over HTTP."""

import uuid

import pytest

from tests import schemas
from tests.factories import AttachmentFactory, VolumeFactory
from volumes.models import Attachment

CONNECTOR = {"host": "client1", "ip": "10.0.0.9", "initiator": "iqn.1993-08.org.debian:01:abc", "own": {"a": 1}}


def create(calls, volume, **members):
    return calls("POST", "/attachments", {"attachment": {"volume_uuid": str(volume.pk), **members}})


def status_of(row):
    row.refresh_from_db()
    return row.status


@pytest.mark.parametrize("version", ["3.27", "3.44", "3.54", "3.60", "3.71"])
def test_an_attachment_has_exactly_its_members(as_member, version):
    volume = VolumeFactory()
    body = {"attachment": {"volume_uuid": str(volume.pk), "instance_uuid": str(uuid.uuid4())}}
    made = as_member.ok("POST", "/attachments", body, version=version)["attachment"]
    schemas.check(schemas.ATTACHMENT, made)
    schemas.check(schemas.ATTACHMENT, as_member.ok("GET", f"/attachments/{made['id']}", version=version)["attachment"])
    [short] = as_member.ok("GET", "/attachments", version=version)["attachments"]
    schemas.check(schemas.ATTACHMENT_SUMMARY, short)
    [full] = as_member.ok("GET", "/attachments/detail", version=version)["attachments"]
    schemas.check(schemas.ATTACHMENT, full)


def test_without_a_connector_the_volume_is_reserved(as_member):
    volume = VolumeFactory()
    made = create(as_member, volume, connector=None).json()["attachment"]
    expected = {
        "id": made["id"],
        "status": "reserved",
        "instance": None,
        "volume_id": str(volume.pk),
        "attached_at": "",
        "detached_at": "",
        "attach_mode": "null",
        "connection_info": {},
    }
    assert made == expected
    assert status_of(volume) == "reserved"


def test_nova_attaches_and_detaches(as_member, worker, on_storage):
    volume = on_storage()
    made = create(as_member, volume, instance_uuid=str(uuid.uuid4())).json()["attachment"]
    path = f"/attachments/{made['id']}"
    answer = as_member.ok("PUT", path, {"attachment": {"connector": CONNECTOR}})["attachment"]
    assert (answer["status"], answer["attached_at"], answer["attach_mode"]) == ("reserved", "", "null")
    assert answer["connection_info"]["attachment_id"] == made["id"]
    shown = as_member.ok("GET", path)["attachment"]
    assert (shown["status"], shown["attach_mode"]) == ("attaching", "rw")
    assert shown["attached_at"]
    schemas.check(schemas.ATTACHMENT, shown)
    assert status_of(volume) == "attaching"
    done = as_member("POST", f"{path}/action", {"os-complete": made["id"]})
    assert (done.status_code, done.content, done["Content-Type"]) == (204, b"", "application/json")
    assert status_of(volume) == "in-use"
    assert as_member("POST", f"{path}/action", {"os-complete": None}).status_code == 204
    assert Attachment.objects.get().connector == CONNECTOR
    assert as_member.ok("DELETE", path) == {"attachments": []}
    assert status_of(volume) == "available"


def test_with_a_connector_the_answer_shows_the_row_before_and_the_connection_after(as_member, worker, on_storage):
    volume = on_storage()
    made = create(as_member, volume, mode="ro", connector=CONNECTOR)
    assert made.status_code == 200, made.content
    made = made.json()["attachment"]
    assert (made["status"], made["attach_mode"], made["attached_at"]) == ("reserved", "ro", "")
    assert made["connection_info"]["driver_volume_type"]
    assert as_member.ok("GET", f"/attachments/{made['id']}")["attachment"]["status"] == "attaching"


def test_deleting_shows_the_remaining_attachments(as_member):
    first = AttachmentFactory()
    second = AttachmentFactory(volume=first.volume)
    [remaining] = as_member.ok("DELETE", f"/attachments/{first.pk}")["attachments"]
    schemas.check(schemas.ATTACHMENT_SUMMARY, remaining)
    assert remaining["id"] == str(second.pk)


@pytest.mark.parametrize(
    "members",
    [
        {"volume_uuid": "x"},
        {"volume_uuid": None},
        {"instance_uuid": None},
        {"instance_uuid": "x"},
        {"connector": "x"},
        {"mode": "wo"},
        {"mode": None},
        {"x": 1},
    ],
)
def test_a_request_of_another_shape_is_refused(as_member, members):
    volume = VolumeFactory()
    assert create(as_member, volume, **members).json()["badRequest"]["code"] == 400
    assert status_of(volume) == "available"


def test_a_volume_must_be_named(as_member):
    expected = "Invalid input for field/attribute attachment. Value: {}. 'volume_uuid' is a required property"
    assert as_member.refused("POST", "/attachments", {"attachment": {}}) == (400, "badRequest", expected)


def test_the_mode_is_unknown_below_3_54(as_member):
    body = {"attachment": {"volume_uuid": str(VolumeFactory().pk), "mode": "ro"}}
    assert as_member.refused("POST", "/attachments", body, version="3.53")[0] == 400
    assert as_member.ok("POST", "/attachments", body, version="3.54")["attachment"]["attach_mode"] == "ro"


def test_an_unknown_or_foreign_volume_is_not_found(as_stranger):
    for identity in (VolumeFactory().pk, uuid.uuid4()):
        body = {"attachment": {"volume_uuid": str(identity)}}
        expected = f"Volume {identity} could not be found."
        assert as_stranger.refused("POST", "/attachments", body) == (404, "itemNotFound", expected)


@pytest.mark.parametrize("status", ["creating", "error", "deleting", "in-use", "maintenance"])
def test_a_volume_in_another_status_is_not_reserved(as_member, status):
    answer = create(as_member, VolumeFactory(status=status)).json()
    assert answer["badRequest"]["message"].startswith("Invalid volume: Volume ")


@pytest.mark.parametrize("value", [{}, {"connector": {}}, {"connector": None}, {"connector": CONNECTOR, "x": 1}])
def test_an_update_needs_a_connector_that_says_something(as_member, value):
    path = f"/attachments/{AttachmentFactory().pk}"
    assert as_member.refused("PUT", path, {"attachment": value})[0] == 400


def test_a_volume_in_error_is_not_connected(as_member):
    attachment = AttachmentFactory(volume=VolumeFactory(status="error"))
    answer = as_member.refused("PUT", f"/attachments/{attachment.pk}", {"attachment": {"connector": CONNECTOR}})
    assert answer[:2] == (409, "conflictingRequest")


@pytest.mark.parametrize("call", ["GET", "PUT", "DELETE", "POST action"])
def test_the_attachment_of_another_project_is_not_there(as_stranger, call):
    attachment = AttachmentFactory()
    method, _, below = call.partition(" ")
    path = f"/attachments/{attachment.pk}" + (f"/{below}" if below else "")
    body = {"PUT": {"attachment": {"connector": CONNECTOR}}, "POST": {"os-complete": {}}}.get(method)
    expected = f"Volume attachment could not be found with filter: attachment_id = {attachment.pk}."
    assert as_stranger.refused(method, path, body) == (404, "itemNotFound", expected)


def test_completing_is_not_there_below_3_44(as_member):
    path = f"/attachments/{AttachmentFactory().pk}/action"
    assert as_member.refused("POST", path, {"os-complete": {}}, version="3.43")[0] == 404
