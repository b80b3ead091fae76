"""Contract 04, row by row: what is refused, with which code and text, and what is admitted."""

import uuid

import pytest

from tests.factories import BackupFactory, SnapshotFactory, VolumeFactory
from tests.unit.volumes.api.test_rows_about_volumes import ANY, NOTHING, TOO_LONG, answered

VOLUME = "{volume}"
CREATE = [
    ({"volume_id": NOTHING}, "3.71", 404, ANY),
    ({"volume_id": "x"}, "3.71", 400, ANY),
    ({"volume_id": None}, "3.71", 400, ANY),
    ({}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "x": 1}, "3.0", 400, ANY),
    ({"volume_id": VOLUME, "name": TOO_LONG}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "container": TOO_LONG}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "container": None, "name": None, "description": None}, "3.71", 202, ANY),
    ({"volume_id": VOLUME, "incremental": "maybe"}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "incremental": None}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "force": 1}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "force": "yes"}, "3.71", 202, ANY),
    ({"volume_id": VOLUME, "snapshot_id": None}, "3.71", 202, ANY),
    ({"volume_id": VOLUME, "snapshot_id": NOTHING}, "3.71", 404, ANY),
    ({"volume_id": VOLUME, "snapshot_id": "x"}, "3.71", 400, ANY),
    ({"volume_id": VOLUME, "metadata": {}}, "3.42", 400, ANY),
    ({"volume_id": VOLUME, "metadata": {"k": "v"}}, "3.43", 202, ANY),
    ({"volume_id": VOLUME, "metadata": {"k": 1}}, "3.43", 400, ANY),
    ({"volume_id": VOLUME, "availability_zone": "nova"}, "3.50", 400, ANY),
    ({"volume_id": VOLUME, "availability_zone": "nova"}, "3.51", 202, ANY),
    ({"volume_id": VOLUME, "availability_zone": None}, "3.51", 202, ANY),
    (
        {"volume_id": VOLUME, "incremental": True},
        "3.71",
        400,
        "Invalid backup: No backups available to do an incremental backup.",
    ),
]


@pytest.mark.parametrize(("members", "version", "code", "text"), CREATE)
def test_a_request_for_a_backup_is_answered_as_its_row_says(as_member, members, version, code, text):
    if members.get("volume_id") == VOLUME:
        members = {**members, "volume_id": str(VolumeFactory().pk)}
    answered(as_member, "POST", "/backups", {"backup": members}, code, text, version)


STATES = [
    ("in-use", {}, 400, "Backing up an in-use volume must use the force flag."),
    ("in-use", {"force": True}, 202, ANY),
    ("error", {}, 400, 'Volume to be backed up must be available or in-use, but the current status is "error".'),
    ("backing-up", {"force": True}, 400, "Invalid volume: Volume to be backed up must be available or in-use"),
]


@pytest.mark.parametrize(("status", "more", "code", "text"), STATES)
def test_a_volume_is_backed_up_where_its_status_admits_it(as_member, status, more, code, text):
    body = {"backup": {"volume_id": str(VolumeFactory(status=status).pk), **more}}
    answered(as_member, "POST", "/backups", body, code, text, "3.71")


def test_a_snapshot_is_of_the_volume_and_at_rest_and_then_the_volume_is_not_looked_at(as_member):
    snapshot = SnapshotFactory(volume__status="in-use")
    body = {"backup": {"volume_id": str(VolumeFactory().pk), "snapshot_id": str(snapshot.pk)}}
    answered(as_member, "POST", "/backups", body, 400, "Invalid volume:", "3.71")
    busy = SnapshotFactory(volume=snapshot.volume, status="creating")
    body = {"backup": {"volume_id": str(snapshot.volume_id), "snapshot_id": str(busy.pk)}}
    answered(as_member, "POST", "/backups", body, 400, "Invalid snapshot:", "3.71")
    body["backup"]["snapshot_id"] = str(snapshot.pk)
    answered(as_member, "POST", "/backups", body, 202, ANY, "3.71")
    shown = as_member.ok("GET", f"/volumes/{snapshot.volume_id}")["volume"]
    assert shown["status"] == "in-use"
    assert as_member.ok("GET", f"/snapshots/{snapshot.pk}")["snapshot"]["status"] == "backing-up"


def made(**fields):
    return f"/backups/{BackupFactory(**fields).pk}"


OTHERS = [
    ("PUT", made, {"backup": {}}, "3.9", 200, ANY),
    ("PUT", made, {"backup": None}, "3.9", 400, ANY),
    ("PUT", made, {"backup": {"x": 1}}, "3.9", 400, ANY),
    ("PUT", made, {"backup": {"metadata": {}}}, "3.42", 400, ANY),
    ("PUT", made, {"backup": {"metadata": {"k": "v"}}}, "3.43", 200, ANY),
    ("PUT", made, {"backup": {"name": "n"}}, "3.8", 404, ANY),
    ("PUT", made, {"backup": {"name": TOO_LONG}}, "3.71", 400, ANY),
    (
        "DELETE",
        lambda: made(status="creating"),
        None,
        "3.0",
        400,
        "Invalid backup: Backup status must be available or error",
    ),
    ("DELETE", lambda: made(status="error"), None, "3.0", 202, ANY),
    ("DELETE", lambda: f"/backups/{NOTHING}", None, "3.0", 404, f"Backup {NOTHING} could not be found."),
    (
        "POST",
        lambda: made(status="error") + "/restore",
        {"restore": {}},
        "3.0",
        400,
        "Invalid backup: Backup status must be available",
    ),
    ("POST", lambda: made() + "/restore", {"restore": {"volume_id": NOTHING}}, "3.0", 404, ANY),
    ("POST", lambda: made() + "/restore", {"restore": {"x": 1}}, "3.0", 400, ANY),
    ("POST", lambda: made() + "/restore", {"restore": None}, "3.0", 400, ANY),
    (
        "POST",
        lambda: made() + "/restore",
        {"restore": {"volume_id": lambda: VolumeFactory(status="in-use").pk}},
        "3.0",
        400,
        "Volume to be restored to must be available",
    ),
    (
        "POST",
        lambda: made(volume=VolumeFactory(size_gib=3)) + "/restore",
        {"restore": {"volume_id": lambda: VolumeFactory().pk}},
        "3.0",
        400,
        "volume size 1 is too small to restore backup of size 3.",
    ),
    ("POST", lambda: made() + "/action", {"os-reset_status": {"status": "Error"}}, "3.0", 202, ANY),
    ("POST", lambda: made() + "/action", {"os-reset_status": {"status": "creating"}}, "3.0", 400, ANY),
    ("POST", lambda: made() + "/action", {"os-reset_status": {}}, "3.0", 400, ANY),
    ("POST", lambda: made(status="creating") + "/action", {"os-force_delete": None}, "3.0", 202, ANY),
    ("GET", lambda: "/backups?all_tenants=maybe", None, "3.71", 400, ANY),
    ("GET", lambda: "/backups?sort=name", None, "3.36", 400, ANY),
    ("GET", lambda: "/backups?sort=name", None, "3.37", 200, ANY),
    ("GET", lambda: f"/backups?marker={uuid.uuid4()}", None, "3.71", 404, ANY),
]


@pytest.mark.parametrize(("method", "place", "body", "version", "code", "text"), OTHERS)
def test_a_backup_is_dealt_with_as_its_row_says(  # noqa: PLR0917 - a row of the table
    as_admin, method, place, body, version, code, text
):
    path = place()
    for value in (body or {}).values():
        if isinstance(value, dict) and callable(value.get("volume_id")):
            body = {"restore": {"volume_id": str(value["volume_id"]())}}
    answered(as_admin, method, path, body, code, text, version)
