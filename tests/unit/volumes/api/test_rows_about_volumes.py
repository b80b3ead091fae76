"""Contract 02 and contract 03, row by row: what each refuses, with which code and text, and what it admits."""

import uuid

import pytest

from tests.factories import AttachmentFactory, BackupFactory, GroupFactory, SnapshotFactory, VolumeFactory
from tests.factories import VolumeTypeFactory as TypeFactory

NOTHING = str(uuid.UUID(int=9))
TOO_LONG = "x" * 256
ANY = ""


def vol(**fields):
    return str(VolumeFactory(**fields).pk)


def snap(**fields):
    return str(SnapshotFactory(**fields).pk)


def answered(calls, method, path, body, code, text, version):  # noqa: PLR0917 - a row of the table
    answer = calls(method, path, body, version=version)
    assert answer.status_code == code, answer.content
    if code >= 400 and answer.content:
        [(_name, error)] = answer.json().items()
        assert error["code"] == code
        assert text in error["message"]


# --- contract 02, section 2: create ---------------------------------------------------------------------------

GENERIC = "The server could not comply with the request"
CREATE = [
    ({}, 400, GENERIC),
    ({"size": None}, 400, GENERIC),
    *(({"size": size}, 400, "field/attribute size") for size in (0, -1, 2147483648, 1.5, True, "", "x")),
    ({"size": "7"}, 202, ANY),
    ({"size": 1, "multiattach": True}, 400, ANY),
    ({"size": 1, "multiattach": "false"}, 202, ANY),
    ({"size": 1, "multiattach": None}, 400, ANY),
    ({"size": 1, "multiattach": 0}, 400, ANY),
    ({"size": 1, "availability_zone": ""}, 400, ANY),
    ({"size": 1, "availability_zone": "nowhere"}, 400, ANY),
    ({"size": 1, "availability_zone": None}, 202, ANY),
    ({"size": 1, "volume_type": ""}, 202, ANY),
    ({"size": 1, "volume_type": None}, 202, ANY),
    ({"size": 1, "volume_type": "nothing"}, 404, ANY),
    ({"size": 1, "volume_type": NOTHING}, 404, ANY),
    ({"size": 1, "metadata": None}, 202, ANY),
    *(({"size": 1, "metadata": {"k": value}}, 400, ANY) for value in (1, True, None, "x" * 256, {})),
    *(({"size": 1, "metadata": {key: "v"}}, 400, ANY) for key in ("", "x" * 256, "ä", "a,b")),
    ({"size": 1, "metadata": {"a-_:. /1": "v" * 255}}, 202, ANY),
    ({"size": 1, "name": TOO_LONG}, 400, "Invalid input received: name has 256 characters, more than 255."),
    ({"size": 1, "description": TOO_LONG}, 400, "description has 256 characters, more than 255."),
    ({"size": 1, "name": f"  {'x' * 255}  "}, 202, ANY),
    ({"size": 1, "name": 1}, 400, ANY),
    *(({"size": 1, source: NOTHING}, 404, ANY) for source in ("snapshot_id", "source_volid", "backup_id")),
    *(({"size": 1, source: value}, 400, ANY) for source in ("snapshot_id", "source_volid") for value in ("", "x")),
    *(({"size": 1, source: None}, 202, ANY) for source in ("snapshot_id", "source_volid", "backup_id", "imageRef")),
    ({"size": 1, "imageRef": ""}, 400, ANY),
    ({"size": 1, "imageRef": NOTHING}, 400, ANY),
    ({"size": 1, "group_id": NOTHING, "volume_type": "__DEFAULT__"}, 404, ANY),
    ({"size": 1, "consistencygroup_id": NOTHING, "volume_type": "__DEFAULT__"}, 404, ANY),
]  # fmt: skip


@pytest.mark.parametrize("version", ["3.0", "3.71"])
@pytest.mark.parametrize(("members", "code", "text"), CREATE)
def test_a_request_for_a_volume_is_answered_as_its_row_says(as_member, members, code, text, version):
    if version == "3.0" and "group_id" in members:
        return
    answered(as_member, "POST", "/volumes", {"volume": members}, code, text, version)


@pytest.mark.parametrize("extra", ["user_id", "project_id", "status", "attach_status", "source_replica", "x"])
def test_other_members_are_ignored_at_first_and_refused_later(as_member, extra):
    body = {"volume": {"size": 1, extra: "v"}}
    answered(as_member, "POST", "/volumes", body, 202, ANY, "3.52")
    answered(as_member, "POST", "/volumes", body, 400, f"('{extra}' was unexpected)", "3.53")
    for version in ("3.0", "3.71"):
        answered(as_member, "POST", "/volumes", {"volume": {"size": 1}, extra: 1}, 400, extra, version)


SOURCES = {
    "snapshot_id": snap,
    "source_volid": vol,
    "backup_id": lambda: str(BackupFactory().pk),
}


@pytest.mark.parametrize(
    "pair", [("snapshot_id", "source_volid"), ("snapshot_id", "backup_id"), ("source_volid", "backup_id")]
)
def test_a_volume_has_one_source(as_member, pair):
    text = "Invalid input received: May specify only one of backup, imageRef, snapshot, source volume"
    body = {"volume": {"size": 1} | {name: SOURCES[name]() for name in pair}}
    answered(as_member, "POST", "/volumes", body, 400, text, "3.71")
    body["volume"][pair[1]] = NOTHING
    answered(as_member, "POST", "/volumes", body, 404, ANY, "3.71")


@pytest.mark.parametrize("status", ["creating", "error", "deleting", "backing-up", "restoring"])
def test_a_source_that_is_not_at_rest_is_refused(as_member, status):
    for body in (
        {"snapshot_id": snap(status=status)},
        {"source_volid": vol(status=status)},
        {"backup_id": str(BackupFactory(status=status).pk)},
    ):
        answered(as_member, "POST", "/volumes", {"volume": {"size": 2, **body}}, 400, ANY, "3.71")


def test_a_volume_is_no_smaller_than_its_source(as_member):
    large = VolumeFactory(size_gib=3)
    for body in (
        {"snapshot_id": snap(volume=large)},
        {"source_volid": str(large.pk)},
        {"backup_id": str(BackupFactory(volume=large).pk)},
    ):
        answered(as_member, "POST", "/volumes", {"volume": {"size": 2, **body}}, 400, ANY, "3.71")
        answer = as_member.ok("POST", "/volumes", {"volume": body}, status=202)
        assert answer["volume"]["size"] == 3


@pytest.mark.parametrize(("size", "code"), [(1, 400), (2, 202), (4, 202), (5, 400)])
def test_a_type_may_limit_sizes(as_member, size, code):
    specs = {"provisioning:min_vol_size": "2", "provisioning:max_vol_size": "4"}
    name = TypeFactory(extra_specs=specs).name
    answered(as_member, "POST", "/volumes", {"volume": {"size": size, "volume_type": name}}, code, ANY, "3.71")


def test_a_type_may_have_zones(as_member):
    name = TypeFactory(extra_specs={"RESKEY:availability_zones": "east,west"}).name
    body = {"volume": {"size": 1, "volume_type": name, "availability_zone": "nova"}}
    answered(as_member, "POST", "/volumes", body, 400, ANY, "3.71")


def test_a_volume_of_a_group_has_one_of_its_types(as_member):
    group = str(GroupFactory().pk)
    answered(as_member, "POST", "/volumes", {"volume": {"size": 1, "group_id": group}}, 400, ANY, "3.13")
    other = TypeFactory().name
    body = {"volume": {"size": 1, "group_id": group, "volume_type": other}}
    answered(as_member, "POST", "/volumes", body, 400, ANY, "3.13")


@pytest.mark.parametrize("hint", ["same_host", "different_host", "local_to_instance"])
def test_hints_name_volumes_by_uuid(as_member, hint):
    for value, code in ((NOTHING, 202), ([NOTHING], 202), ("x", 400), (["x"], 400), ([1], 400), ({}, 400)):
        body = {"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": {hint: value}}
        answered(as_member, "POST", "/volumes", body, code, ANY, "3.71")
    answered(
        as_member, "POST", "/volumes", {"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": None}, 202, ANY, "3.0"
    )


# --- contract 02, sections 4 to 6: update, delete, metadata -----------------------------------------------------

UPDATE = [
    ({"name": "n"}, "3.0", 200),
    ({"display_name": "n", "display_description": None}, "3.71", 200),
    ({"size": 2}, "3.0", 400),
    ({"status": "error"}, "3.71", 400),
    ({"metadata": None}, "3.0", 400),
    ({}, "3.52", 200),
    ({}, "3.53", 400),
    ({"name": TOO_LONG}, "3.0", 400),
]


@pytest.mark.parametrize(("members", "version", "code"), UPDATE)
def test_a_volume_is_changed_as_its_row_says(as_member, members, version, code):
    answered(as_member, "PUT", f"/volumes/{vol()}", {"volume": members}, code, ANY, version)


def test_in_maintenance_nothing_is_changed(as_member):
    volume = vol(status="maintenance", metadata={"k": "v"})
    answered(as_member, "PUT", f"/volumes/{volume}", {"volume": {"name": "n"}}, 400, ANY, "3.71")
    for status in ("maintenance", "uploading"):
        path = f"/volumes/{vol(status=status, metadata={'k': 'v'})}/metadata"
        answered(as_member, "GET", path, None, 200, ANY, "3.71")
        for method in ("POST", "PUT"):
            answered(as_member, method, path, {"metadata": {"a": "b"}}, 400, ANY, "3.71")
        answered(as_member, "PUT", f"{path}/k", {"meta": {"k": "w"}}, 400, ANY, "3.71")
        answered(as_member, "DELETE", f"{path}/k", None, 400, ANY, "3.71")
        answered(as_member, "DELETE", f"{path}/absent", None, 404, ANY, "3.71")


UNDELETABLE = "must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer"
DELETE = [
    (vol, "", 202),
    *((lambda s=s: vol(status=s), "", 202) for s in ("error", "error_restoring", "error_extending", "error_managing")),
    *((lambda s=s: vol(status=s), "", 400) for s in ("in-use", "creating", "awaiting-transfer", "reserved")),
    (lambda: str(SnapshotFactory().volume_id), "", 400),
    (lambda: str(SnapshotFactory().volume_id), "?cascade=true", 202),
    (lambda: str(SnapshotFactory(status="creating").volume_id), "?cascade=true", 400),
    (lambda: str(AttachmentFactory().volume_id), "", 400),
    (lambda: vol(group=GroupFactory()), "", 400),
    (lambda: vol(migration_status="migrating"), "", 400),
    *((lambda s=s: vol(migration_status=s), "", 202) for s in ("error", "success")),
]  # fmt: skip


@pytest.mark.parametrize(("make", "query", "code"), DELETE)
def test_a_volume_is_deleted_where_its_row_admits_it(as_member, make, query, code):
    answered(as_member, "DELETE", f"/volumes/{make()}{query}", None, code, UNDELETABLE if not query else ANY, "3.71")


def test_what_is_no_truth_value_is_refused(as_admin):
    for word in ("cascade", "force"):
        text = f"Value 'maybe' for '{word}' is not a boolean."
        answered(as_admin, "DELETE", f"/volumes/{vol()}?{word}=maybe", None, 400, text, "3.71")


def test_force_is_for_administrators_and_from_its_version_on(as_admin, as_member):
    answered(as_member, "DELETE", f"/volumes/{vol()}?force=true", None, 403, ANY, "3.23")
    answered(as_admin, "DELETE", f"/volumes/{vol(status='creating')}?force=true", None, 202, ANY, "3.23")
    answered(as_admin, "DELETE", f"/volumes/{vol(status='creating')}?force=true", None, 400, ANY, "3.22")
    answered(as_admin, "DELETE", f"/volumes/{SnapshotFactory().volume_id}?force=true", None, 400, ANY, "3.23")


METADATA = [
    ({"metadata": {}, "x": 1}, 400),
    ({"x": {}}, 400),
    ({"metadata": []}, 400),
    ({"metadata": {"": "v"}}, 400),
    ({"metadata": {"k": 1}}, 400),
    ({"metadata": {"k": "v" * 256}}, 400),
    ({"metadata": {}}, 200),
]


@pytest.mark.parametrize("kind", ["volumes", "snapshots"])
@pytest.mark.parametrize(("body", "code"), METADATA)
def test_metadata_are_read_as_their_row_says(as_member, kind, body, code):
    path = f"/{kind}/{vol() if kind == 'volumes' else snap()}/metadata"
    for method in ("POST", "PUT"):
        answered(as_member, method, path, body, code, ANY, "3.0")


@pytest.mark.parametrize("kind", ["volumes", "snapshots"])
@pytest.mark.parametrize("body", [{"meta": {"other": "v"}}, {"meta": {"k": "v", "l": "w"}}, {"meta": {}}, {"k": "v"}])
def test_a_pair_is_the_one_of_its_path(as_member, kind, body):
    path = f"/{kind}/{vol() if kind == 'volumes' else snap()}/metadata/k"
    answered(as_member, "PUT", path, body, 400, ANY, "3.71")


def test_a_slash_is_for_keys_of_volumes_only(as_member):
    answered(as_member, "POST", f"/volumes/{vol()}/metadata", {"metadata": {"a/b": "v"}}, 200, ANY, "3.71")
    answered(as_member, "POST", f"/snapshots/{snap()}/metadata", {"metadata": {"a/b": "v"}}, 400, ANY, "3.71")


# --- contract 02, sections 7 and 8: actions ---------------------------------------------------------------------

ACTIONS = [
    ("os-reserve", None, {}, 202),
    ("os-reserve", None, {"status": "in-use"}, 400),
    ("os-reserve", None, {"status": "in-use", "is_multiattach": True}, 202),
    ("os-unreserve", None, {"status": "error"}, 202),
    ("os-attach", {"mountpoint": "/dev/vdb"}, {}, 400),
    ("os-attach", {"instance_uuid": NOTHING}, {}, 400),
    ("os-attach", {"mountpoint": "", "instance_uuid": NOTHING}, {}, 400),
    ("os-attach", {"mountpoint": "x" * 256, "instance_uuid": NOTHING}, {}, 400),
    ("os-attach", {"mountpoint": "/dev/vdb", "instance_uuid": "x"}, {}, 400),
    ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h", "mode": "x"}, {}, 400),
    ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h"}, {"status": "maintenance"}, 400),
    ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h"}, {"status": "error"}, 202),
    ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h", "mode": "rw"}, {"is_readonly": True}, 400),
    ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h", "mode": "ro"}, {"is_readonly": True}, 202),
    ("os-begin_detaching", None, {}, 400),
    ("os-roll_detaching", None, {"status": "detaching"}, 202),
    ("os-roll_detaching", None, {}, 202),
    ("os-detach", {}, {"status": "error"}, 202),
    ("os-detach", {"attachment_id": None}, {}, 202),
    ("os-detach", {"attachment_id": NOTHING}, {}, 409),
    ("os-detach", {}, {"status": "maintenance"}, 400),
    ("os-initialize_connection", {}, {}, 400),
    ("os-initialize_connection", {"connector": None}, {}, 400),
    ("os-initialize_connection", {"connector": {"host": "h"}}, {"status": "maintenance"}, 400),
    ("os-terminate_connection", {}, {}, 400),
    ("os-extend", {"new_size": 1}, {}, 400),
    ("os-extend", {"new_size": "2"}, {}, 202),
    *(("os-extend", {"new_size": size}, {}, 400) for size in (0, "x", 1.5, None, True)),
    ("os-extend", {}, {}, 400),
    ("os-extend", {"new_size": 2}, {"status": "error"}, 400),
    ("os-extend", {"new_size": 2}, {"status": "reserved"}, 400),
    ("os-set_bootable", {"bootable": "yes"}, {}, 200),
    ("os-set_bootable", {"bootable": 1}, {}, 400),
    ("os-set_bootable", {}, {}, 400),
    ("os-set_bootable", {"bootable": True}, {"status": "maintenance"}, 400),
    ("os-update_readonly_flag", {"readonly": True}, {"status": "in-use"}, 400),
    ("os-update_readonly_flag", {"readonly": "maybe"}, {}, 400),
    ("os-set_image_metadata", {"metadata": {"k": "v" * 300}}, {}, 200),
    ("os-set_image_metadata", {"metadata": {"k": 1}}, {}, 400),
    *(("os-set_image_metadata", {"metadata": {"k": "v"}}, {"status": s}, 400) for s in ("maintenance", "uploading")),
    ("os-unset_image_metadata", {"key": "absent"}, {}, 404),
    ("os-unset_image_metadata", {}, {}, 400),
    ("revert", {}, {}, 400),
    ("revert", {"snapshot_id": NOTHING}, {}, 400),
    ("revert", {"snapshot_id": "x"}, {}, 400),
]


@pytest.mark.parametrize(("name", "value", "fields", "code"), ACTIONS)
def test_an_action_is_answered_as_its_row_says(as_member, name, value, fields, code):
    volume = vol(size_gib=1, **fields)
    answered(as_member, "POST", f"/volumes/{volume}/action", {name: value}, code, ANY, "3.71")


@pytest.mark.parametrize("body", [{}, [], {"os-reserve": {}, "os-unreserve": {}}])
def test_an_action_is_one(as_member, body):
    answered(as_member, "POST", f"/volumes/{vol()}/action", body, 400, "Malformed request body", "3.71")


def test_actions_above_the_version_are_not_there_and_in_use_ones_grow_from_theirs(as_member):
    answered(as_member, "POST", f"/volumes/{vol()}/action", {"revert": {"snapshot_id": NOTHING}}, 404, ANY, "3.39")
    for version, code in (("3.41", 400), ("3.42", 202)):
        volume = vol(status="in-use")
        answered(as_member, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 2}}, code, ANY, version)


RESET = [
    ({}, 400),
    ({"status": None}, 400),
    ({"x": 1}, 400),
    ({"status": "ERROR"}, 202),
    ({"status": "nothing"}, 400),
    ({"status": "deleting"}, 400),
    ({"status": "in-use"}, 400),
    ({"attach_status": "Detached"}, 202),
    ({"attach_status": "x"}, 400),
    ({"migration_status": "none"}, 202),
    ({"migration_status": "x"}, 400),
    ({"status": "available", "attach_status": None}, 202),
]


@pytest.mark.parametrize(("value", "code"), RESET)
def test_a_status_is_written_by_hand_as_its_row_says(as_admin, value, code):
    answered(as_admin, "POST", f"/volumes/{vol()}/action", {"os-reset_status": value}, code, ANY, "3.71")


# --- contract 03: snapshots --------------------------------------------------------------------------------------

SNAPSHOT = [
    ({"volume_id": None}, "3.0", 404),
    ({"volume_id": NOTHING}, "3.0", 404),
    ({"volume_id": "x"}, "3.0", 400),
    ({}, "3.0", 400),
    ({"volume_id": "{}", "x": 1}, "3.0", 400),
    ({"volume_id": "{}", "display_description": "d"}, "3.0", 400),
    ({"volume_id": "{}", "display_name": "d"}, "3.0", 202),
    ({"volume_id": "{}", "name": TOO_LONG}, "3.0", 400),
    ({"volume_id": "{}", "force": None}, "3.0", 400),
    ({"volume_id": "{}", "force": "yes"}, "3.65", 202),
    ({"volume_id": "{}", "force": True}, "3.66", 202),
    ({"volume_id": "{}", "force": False}, "3.66", 400),
    ({"volume_id": "{}", "metadata": {"k": 1}}, "3.0", 400),
]


@pytest.mark.parametrize(("members", "version", "code"), SNAPSHOT)
def test_a_request_for_a_snapshot_is_answered_as_its_row_says(as_member, members, version, code):
    if members.get("volume_id") == "{}":
        members = {**members, "volume_id": vol()}
    answered(as_member, "POST", "/snapshots", {"snapshot": members}, code, ANY, version)


STATES = [
    ("in-use", False, "3.65", 400, ANY),
    ("in-use", True, "3.65", 202, ANY),
    ("in-use", None, "3.66", 202, ANY),
    ("maintenance", None, "3.71", 400, "The snapshot cannot be created when the volume is in maintenance mode."),
    ("error", None, "3.71", 400, "in error status."),
    ("creating", True, "3.0", 400, "status must be available"),
    ("extending", True, "3.66", 400, "but current status is: extending"),
]


@pytest.mark.parametrize(("status", "force", "version", "code", "text"), STATES)
def test_a_snapshot_is_taken_where_the_volume_admits_it(  # noqa: PLR0917 - a row of the table
    as_member, status, force, version, code, text
):
    body = {"snapshot": {"volume_id": vol(status=status)} | ({"force": force} if force is not None else {})}
    answered(as_member, "POST", "/snapshots", body, code, text, version)


def test_a_volume_that_moves_or_is_nowhere_has_no_snapshots(as_member):
    for volume in (vol(migration_status="migrating"), vol(backend="", pool="")):
        answered(as_member, "POST", "/snapshots", {"snapshot": {"volume_id": volume}}, 400, ANY, "3.71")


@pytest.mark.parametrize("members", [{}, {"x": 1}, {"metadata": {}}, {"name": TOO_LONG}])
def test_a_snapshot_is_not_changed_by_other_members(as_member, members):
    answered(as_member, "PUT", f"/snapshots/{snap()}", {"snapshot": members}, 400, ANY, "3.71")


@pytest.mark.parametrize(
    ("status", "code"), [("available", 202), ("error", 202), ("creating", 400), ("backing-up", 400), ("restoring", 400)]
)
def test_a_snapshot_is_deleted_at_rest(as_member, status, code):
    answered(as_member, "DELETE", f"/snapshots/{snap(status=status)}", None, code, ANY, "3.71")


UPDATES = [
    ("creating", {"status": "available", "progress": "80%"}, 202),
    ("creating", {"status": "error"}, 202),
    ("creating", {"status": "creating"}, 202),
    ("creating", {"status": "deleting"}, 400),
    ("deleting", {"status": "error_deleting"}, 202),
    ("deleting", {"status": "deleting"}, 202),
    ("deleting", {"status": "available"}, 400),
    ("available", {"status": "available"}, 400),
    ("creating", {}, 400),
    ("creating", {"status": "x"}, 400),
    ("creating", {"status": "available", "progress": "x"}, 400),
]


@pytest.mark.parametrize(("status", "value", "code"), UPDATES)
def test_a_host_says_how_far_its_snapshot_is(as_member, status, value, code):
    path = f"/snapshots/{snap(status=status)}/action"
    answered(as_member, "POST", path, {"os-update_snapshot_status": value}, code, ANY, "3.71")


@pytest.mark.parametrize(("value", "code"), [({"status": "ERROR"}, 202), ({}, 400), ({"status": "x"}, 400)])
def test_the_status_of_a_snapshot_is_written_by_hand(as_admin, value, code):
    answered(as_admin, "POST", f"/snapshots/{snap()}/action", {"os-reset_status": value}, code, ANY, "3.71")


# --- contract 03: attachments ------------------------------------------------------------------------------------

ATTACHMENT = [
    ({}, "3.27", 400),
    ({"volume_uuid": NOTHING}, "3.27", 404),
    ({"volume_uuid": "x"}, "3.27", 400),
    ({"volume_uuid": "{}", "instance_uuid": None}, "3.27", 400),
    ({"volume_uuid": "{}", "instance_uuid": "x"}, "3.27", 400),
    ({"volume_uuid": "{}", "connector": None}, "3.27", 200),
    ({"volume_uuid": "{}", "mode": "ro"}, "3.53", 400),
    ({"volume_uuid": "{}", "mode": "ro"}, "3.54", 200),
    ({"volume_uuid": "{}", "mode": "x"}, "3.54", 400),
    ({"volume_uuid": "{}", "x": 1}, "3.71", 400),
]


@pytest.mark.parametrize(("members", "version", "code"), ATTACHMENT)
def test_a_reservation_is_answered_as_its_row_says(as_member, members, version, code):
    if members.get("volume_uuid") == "{}":
        members = {**members, "volume_uuid": vol()}
    answered(as_member, "POST", "/attachments", {"attachment": members}, code, ANY, version)


@pytest.mark.parametrize(
    ("status", "fields", "code"),
    [("available", {}, 200), ("downloading", {}, 200), ("in-use", {"is_multiattach": True}, 200), ("in-use", {}, 400),
     ("reserved", {}, 400), ("creating", {}, 400), ("error", {}, 400), ("error_extending", {}, 400)],
)  # fmt: skip
def test_a_volume_is_reserved_where_its_status_admits_it(as_member, status, fields, code):
    body = {"attachment": {"volume_uuid": vol(status=status, **fields)}}
    answered(as_member, "POST", "/attachments", body, code, ANY, "3.71")


def test_the_same_server_may_reserve_twice(as_member):
    first = AttachmentFactory()
    body = {"attachment": {"volume_uuid": str(first.volume_id), "instance_uuid": str(first.instance_id)}}
    answered(as_member, "POST", "/attachments", body, 200, ANY, "3.71")
    body["attachment"]["instance_uuid"] = NOTHING
    answered(as_member, "POST", "/attachments", body, 400, ANY, "3.71")


@pytest.mark.parametrize(
    "body", [{}, {"attachment": {}}, {"attachment": {"connector": {}}}, {"attachment": {"connector": None}},
             {"attachment": {"connector": {"host": "h"}, "x": 1}}],
)  # fmt: skip
def test_a_connection_needs_a_connector(as_member, body):
    answered(as_member, "PUT", f"/attachments/{AttachmentFactory().pk}", body, 400, ANY, "3.71")


def test_a_volume_in_error_is_not_connected(as_member):
    attachment = AttachmentFactory(volume__status="error")
    body = {"attachment": {"connector": {"host": "h"}}}
    text = "Resource conflict: Volume attachments can not be updated if the volume is in an error state."
    answered(as_member, "PUT", f"/attachments/{attachment.pk}", body, 409, text, "3.71")


def test_what_is_no_attachment_is_not_found(as_member):
    text = f"Volume attachment could not be found with filter: attachment_id = {NOTHING}."
    for method, body in (("GET", None), ("PUT", {"attachment": {"connector": {"host": "h"}}}), ("DELETE", None)):
        answered(as_member, method, f"/attachments/{NOTHING}", body, 404, text, "3.71")
