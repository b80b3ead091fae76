"""Contract 02, sections 7 and 8: actions on a volume."""

import uuid

import pytest

from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Attachment

CONNECTOR = {"host": "client1", "ip": "10.0.0.9", "initiator": "iqn.1993-08.org.debian:01:abc", "multipath": False}


def act(calls, volume, name, value=None, **rest):
    return calls("POST", f"/volumes/{volume.pk}/action", {name: {} if value is None else value}, **rest)


def refused(calls, volume, name, value):
    return calls.refused("POST", f"/volumes/{volume.pk}/action", {name: value})


def status_of(volume):
    volume.refresh_from_db()
    return volume.status


# --- which action ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"os-reserve": {}, "os-unreserve": {}}', b'"os-reserve"'])
def test_a_body_that_names_not_one_action_is_malformed(as_member, raw):
    path = f"/volumes/{VolumeFactory().pk}/action"
    assert as_member.refused("POST", path, raw=raw) == (400, "badRequest", "Malformed request body")


@pytest.mark.parametrize("identity", ["known", "unknown"])
def test_an_unknown_action_is_refused_before_the_volume_is_looked_for(as_member, identity):
    path = f"/volumes/{VolumeFactory().pk if identity == 'known' else 'x'}/action"
    message = "There is no such action: {}. Verify the request body and Content-Type header and try again."
    assert as_member.refused("POST", path, {"nope": {}}) == (400, "badRequest", message.format("nope"))
    assert as_member.refused("POST", path) == (400, "badRequest", message.format(None))


def test_the_volume_of_another_project_is_not_there_for_administrators_actions_either(as_stranger):
    volume = VolumeFactory()
    for name in ("os-reserve", "os-reset_status", "os-force_delete"):
        assert refused(as_stranger, volume, name, {}) == (
            404,
            "itemNotFound",
            f"Volume {volume.pk} could not be found.",
        )


def test_an_administrators_action_names_its_policy_to_members(as_member):
    code, name, message = refused(as_member, VolumeFactory(), "os-reset_status", {"status": "error"})
    assert (code, name) == (403, "forbidden")
    assert message == "Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be performed."


@pytest.mark.parametrize("value", [None, {}, "", "x", [], 1, {"x": 1}])
def test_actions_without_parameters_take_any_value(as_member, value):
    volume = VolumeFactory()
    answer = as_member("POST", f"/volumes/{volume.pk}/action", {"os-reserve": value})
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (202, b"", "application/json")
    assert answer["x-compute-request-id"] == answer["x-openstack-request-id"]


# --- attaching, the older way ------------------------------------------------------------------------------------


def test_a_volume_is_reserved_and_given_back(as_member):
    volume = VolumeFactory()
    assert act(as_member, volume, "os-reserve").status_code == 202
    assert status_of(volume) == "attaching"
    assert act(as_member, volume, "os-reserve").status_code == 400
    assert act(as_member, volume, "os-unreserve").status_code == 202
    assert status_of(volume) == "available"
    assert act(as_member, volume, "os-unreserve").status_code == 202


def test_a_volume_is_attached_and_detached(as_member):
    volume = VolumeFactory()
    value = {"mountpoint": "/dev/vdb", "host_name": "h1", "instance_uuid": str(uuid.uuid4()), "mode": "rw"}
    assert act(as_member, volume, "os-attach", value).status_code == 202
    shown = as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert (shown["status"], shown["metadata"]) == ("in-use", {"attached_mode": "rw", "readonly": "False"})
    assert shown["attachments"][0]["server_id"] == value["instance_uuid"]
    assert act(as_member, volume, "os-begin_detaching").status_code == 202
    assert status_of(volume) == "detaching"
    assert act(as_member, volume, "os-roll_detaching").status_code == 202
    assert status_of(volume) == "in-use"
    assert act(as_member, volume, "os-detach", {"attachment_id": None}).status_code == 202
    assert status_of(volume) == "available"
    assert as_member("POST", f"/volumes/{volume.pk}/action", {"os-detach": None}).status_code == 202


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"mountpoint": "/dev/vdb"},
        {"host_name": "h1"},
        {"mountpoint": "", "host_name": "h1"},
        {"mountpoint": "x" * 256, "host_name": "h1"},
        {"mountpoint": "/dev/vdb", "host_name": "h 1"},
        {"mountpoint": "/dev/vdb", "host_name": ""},
        {"mountpoint": "/dev/vdb", "instance_uuid": "x"},
        {"mountpoint": "/dev/vdb", "instance_uuid": None},
        {"mountpoint": "/dev/vdb", "host_name": "h1", "mode": "wo"},
        {"mountpoint": "/dev/vdb", "host_name": "h1", "x": 1},
        None,
        [],
    ],
)
def test_os_attach_of_another_shape_is_refused(as_member, value):
    volume = VolumeFactory()
    assert refused(as_member, volume, "os-attach", value)[0] == 400
    assert status_of(volume) == "available"


def test_an_attached_volume_is_not_attached_to_another_host(as_member):
    volume = VolumeFactory()
    act(as_member, volume, "os-attach", {"mountpoint": "/dev/vdb", "host_name": "h1"})
    value = {"mountpoint": "/dev/vdb", "host_name": "h2"}
    expected = "Invalid volume: volume is already attached and multiple attachments are not enabled"
    assert refused(as_member, volume, "os-attach", value) == (400, "badRequest", expected)
    again = {"mountpoint": "/dev/vdb", "host_name": "h1"}
    assert act(as_member, volume, "os-attach", again).status_code == 202


def test_a_readonly_volume_is_not_attached_for_writing(as_member):
    volume = VolumeFactory()
    assert act(as_member, volume, "os-update_readonly_flag", {"readonly": "true"}).status_code == 202
    value = {"mountpoint": "/dev/vdb", "host_name": "h1"}
    expected = f"Invalid volume: Invalid attaching mode 'rw' for volume {volume.pk}."
    assert refused(as_member, volume, "os-attach", value)[2] == expected
    assert act(as_member, volume, "os-attach", {**value, "mode": "ro"}).status_code == 202


def test_an_unknown_attachment_conflicts(as_member, as_admin):
    volume = VolumeFactory()
    for calls, name in ((as_member, "os-detach"), (as_admin, "os-force_detach")):
        assert refused(calls, volume, name, {"attachment_id": str(uuid.uuid4())})[:2] == (409, "conflictingRequest")
        assert refused(calls, volume, name, {"attachment_id": "x"})[0] == 400


def test_force_detach_wants_an_object(as_admin):
    volume = VolumeFactory()
    assert refused(as_admin, volume, "os-force_detach", None)[0] == 400
    assert act(as_admin, volume, "os-force_detach", {}).status_code == 202


@pytest.mark.parametrize("name", ["os-initialize_connection", "os-terminate_connection"])
@pytest.mark.parametrize("value", [{}, {"connector": 1}, {"connector": "x"}, {"x": {}}, None])
def test_a_connection_needs_its_connector(as_member, name, value):
    assert refused(as_member, VolumeFactory(), name, value)[0] == 400


def test_a_connection_is_made_and_ended(as_member, worker, on_storage):
    volume = on_storage()
    act(as_member, volume, "os-reserve")
    answer = act(as_member, volume, "os-initialize_connection", {"connector": CONNECTOR})
    assert answer.status_code == 200, answer.content
    info = answer.json()["connection_info"]
    assert set(info) == {"driver_volume_type", "data", "enforce_multipath"}
    assert info["data"]["access_mode"] == "rw"
    answer = act(as_member, volume, "os-terminate_connection", {"connector": CONNECTOR})
    assert (answer.status_code, answer.content) == (202, b"")
    assert status_of(volume) == "available"
    assert not Attachment.objects.exists()


# --- what is recorded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["os-set_bootable:bootable:is_bootable:200", "os-update_readonly_flag:readonly:is_readonly:202"]
)
def test_a_flag_is_set_by_word_or_truth_value(as_member, name):
    action, key, column, status = name.split(":")
    volume = VolumeFactory()
    for given, truth in ((True, True), ("no", False), ("True", True)):
        answer = act(as_member, volume, action, {key: given})
        assert (answer.status_code, answer.content) == (int(status), b"")
        volume.refresh_from_db()
        assert getattr(volume, column) is truth
    for given in ({key: 1}, {key: None}, {key: "maybe"}, {}, {key: True, "x": 1}, None):
        assert refused(as_member, volume, action, given)[0] == 400


def test_image_metadata_is_merged_shown_and_removed(as_member):
    volume = VolumeFactory(image_metadata={"os_type": "linux"})
    long = "x" * 1000
    answer = act(as_member, volume, "os-set_image_metadata", {"metadata": {"note": long}})
    assert (answer.status_code, answer.json()) == (200, {"metadata": {"os_type": "linux", "note": long}})
    assert act(as_member, volume, "os-show_image_metadata").json() == {"metadata": {"os_type": "linux", "note": long}}
    shown = as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert shown["volume_image_metadata"]["os_type"] == "linux"
    answer = act(as_member, volume, "os-unset_image_metadata", {"key": "os_type"})
    assert (answer.status_code, answer.content) == (200, b"")
    expected = f"Glance metadata for volume/snapshot {volume.pk} cannot be found."
    assert refused(as_member, volume, "os-unset_image_metadata", {"key": "os_type"}) == (404, "itemNotFound", expected)
    assert refused(as_member, volume, "os-set_image_metadata", {"metadata": {"k": 1}})[0] == 400


# --- administrators' own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["available", "error", "ERROR", "error_deleting", "in-use"])
def test_a_status_is_reset_by_hand_and_cancels_what_is_going_on(as_admin, status):
    volume = VolumeFactory()
    AttachmentFactory(volume=volume, status="error_attaching")
    answer = act(as_admin, volume, "os-reset_status", {"status": status, "attach_status": None})
    assert (answer.status_code, answer.content) == (202, b"")
    assert status_of(volume) == status.lower()


def test_resetting_ends_unfinished_operations(as_member, as_admin):
    volume = VolumeFactory()
    as_member("DELETE", f"/volumes/{volume.pk}")
    act(as_admin, volume, "os-reset_status", {"status": "available"})
    assert Operation.objects.get().outcome == Operation.CANCELLED


@pytest.mark.parametrize(
    "value",
    [
        {},
        None,
        {"status": None},
        {"status": "deleting"},
        {"status": "nonsense"},
        {"status": 1},
        {"attach_status": "attaching"},
        {"migration_status": "x"},
        {"status": "error", "x": 1},
        {"status": "in-use"},
    ],
)
def test_a_reset_to_what_cannot_be_is_refused(as_admin, value):
    volume = VolumeFactory()
    assert refused(as_admin, volume, "os-reset_status", value)[0] == 400
    assert status_of(volume) == "available"


def test_resetting_to_detached_removes_the_attachments(as_admin):
    attachment = AttachmentFactory(status="attached", volume=VolumeFactory(status="in-use"))
    value = {"status": "available", "attach_status": "detached", "migration_status": "none"}
    assert act(as_admin, attachment.volume, "os-reset_status", value).status_code == 202
    assert not Attachment.objects.exists()


def test_force_delete_works_from_any_status(as_admin):
    volume = VolumeFactory(status="creating")
    assert act(as_admin, volume, "os-force_delete").status_code == 202
    assert status_of(volume) == "deleting"


def test_a_volume_that_may_be_shared_is_reserved_while_in_use(as_member):
    shared = VolumeTypeFactory(extra_specs={"multiattach": "<is> True"})
    volume = VolumeFactory(volume_type=shared, is_multiattach=True, status="in-use")
    assert act(as_member, volume, "os-reserve").status_code == 202
