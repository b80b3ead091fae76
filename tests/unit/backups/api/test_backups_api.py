"""Contract 04 over HTTP: backups are made, listed, shown, changed, deleted."""

import uuid

import pytest

from backups.models import Backup
from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import PROJECT, BackupFactory, OperationFactory, SnapshotFactory, VolumeFactory
from volumes.models import Quota, Snapshot, Volume

VERSIONS = ["3.0", "3.9", "3.18", "3.43", "3.45", "3.51", "3.56", "3.64", "3.71"]
NOBODY = str(uuid.UUID(int=1))


def create(calls, volume, *, version="3.71", **members):
    body = {"backup": {"volume_id": str(volume.pk), **members}}
    return calls("POST", "/backups", body, version=version)


# --- what answers look like ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["member", "admin"])
def test_a_backup_has_exactly_its_members(version, who, request):
    calls = request.getfixturevalue(f"as_{who}")
    body = {"backup": {"volume_id": str(VolumeFactory().pk), "name": " b1 ", "description": None}}
    made = calls.ok("POST", "/backups", body, version=version, status=202)["backup"]
    schemas.check(schemas.BACKUP_SUMMARY, made)
    assert made["name"] == "b1"
    in_full = schemas.backup(version, is_admin=who == "admin")
    shown = calls.ok("GET", f"/backups/{made['id']}", version=version)["backup"]
    schemas.check(in_full, shown)
    assert (shown["status"], shown["size"], shown["object_count"], shown["container"]) == (
        "creating", 1, 0, "volumebackups",
    )  # fmt: skip
    assert (shown["is_incremental"], shown["has_dependent_backups"], shown["snapshot_id"]) == (False, False, None)
    assert shown["data_timestamp"] == shown["created_at"]
    assert shown["links"] == made["links"]
    [short] = calls.ok("GET", "/backups", version=version)["backups"]
    schemas.check(schemas.BACKUP_SUMMARY, short)
    assert calls.ok("GET", "/backups/detail", version=version)["backups"] == [shown]


def test_lineage_is_told(as_member):
    parent = BackupFactory()
    child = BackupFactory(parent_id=parent.pk)
    shown = {one["id"]: one for one in as_member.ok("GET", "/backups/detail")["backups"]}
    told = [
        (one["is_incremental"], one["has_dependent_backups"]) for one in (shown[str(parent.pk)], shown[str(child.pk)])
    ]
    assert told == [(False, True), (True, False)]
    assert as_member.ok("GET", f"/backups/{parent.pk}")["backup"] == shown[str(parent.pk)]


def test_why_it_failed_is_told_without_places_and_hosts_except_to_administrators(as_member, as_admin):
    reason = "mem1 on host7: /srv/data/x is full"
    backup = BackupFactory(status="error", fail_reason=reason)
    asked = f"/backups/{backup.pk}"
    assert as_admin.ok("GET", asked)["backup"]["fail_reason"] == reason
    told = as_member.ok("GET", asked)["backup"]["fail_reason"]
    assert told == "The service could not do it; an administrator can see why."
    fields = {"resource_type": "backups.backup", "resource_id": backup.pk, "finished_at": backup.created_at}
    OperationFactory(volume=None, project_id=PROJECT, outcome="failed", fault_code="target-full", **fields)
    for path in (asked, "/backups/detail"):
        found = as_member.ok("GET", path)
        told = (found.get("backup") or found["backups"][0])["fail_reason"]
        assert told == "There is no room left where backups are kept."


def test_that_it_is_damaged_is_told_to_everybody(as_member):
    backup = BackupFactory(status="error", is_damaged=True, fail_reason="Some of its data are missing.")
    assert as_member.ok("GET", f"/backups/{backup.pk}")["backup"]["fail_reason"] == "Some of its data are missing."


# --- create --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "version", "code"),
    [
        ({"volume_id": NOBODY}, "3.71", 404),
        ({"volume_id": "x"}, "3.71", 400),
        ({"volume_id": None}, "3.71", 400),
        ({}, "3.71", 400),
        ({"volume_id": "own", "own": 1}, "3.0", 400),
        ({"volume_id": "own", "display_name": "x"}, "3.71", 400),
        ({"volume_id": "own", "name": "x" * 256}, "3.71", 400),
        ({"volume_id": "own", "name": 1}, "3.71", 400),
        ({"volume_id": "own", "description": "x" * 256}, "3.71", 400),
        ({"volume_id": "own", "container": "x" * 256}, "3.71", 400),
        ({"volume_id": "own", "incremental": None}, "3.71", 400),
        ({"volume_id": "own", "incremental": 1}, "3.71", 400),
        ({"volume_id": "own", "incremental": True}, "3.71", 400),
        ({"volume_id": "own", "force": None}, "3.71", 400),
        ({"volume_id": "own", "force": "maybe"}, "3.71", 400),
        ({"volume_id": "own", "snapshot_id": "x"}, "3.71", 400),
        ({"volume_id": "own", "snapshot_id": NOBODY}, "3.71", 404),
        ({"volume_id": "own", "metadata": {}}, "3.42", 400),
        ({"volume_id": "own", "metadata": None}, "3.42", 400),
        ({"volume_id": "own", "metadata": {"k": 1}}, "3.43", 400),
        ({"volume_id": "own", "metadata": "x"}, "3.43", 400),
        ({"volume_id": "own", "availability_zone": "nova"}, "3.50", 400),
        ({"volume_id": "own", "availability_zone": "nowhere"}, "3.51", 400),
        ({"volume_id": "own", "availability_zone": "x" * 256}, "3.51", 400),
    ],
)
def test_what_is_wrong_with_a_request_is_refused_and_leaves_nothing(as_member, members, version, code):
    if members.get("volume_id") == "own":
        members = {**members, "volume_id": str(VolumeFactory().pk)}
    assert as_member.refused("POST", "/backups", {"backup": members}, version=version)[0] == code
    assert [model.objects.count() for model in (Backup, Snapshot, Operation)] == [0, 0, 0]
    assert set(Volume.objects.values_list("status", flat=True)) <= {"available"}


@pytest.mark.parametrize("body", [None, [], {}, {"backup": None}, {"backup": []}, {"backup": {}, "own": 1}])
def test_a_body_of_another_shape_is_refused(as_member, body):
    assert as_member.refused("POST", "/backups", body)[0] == 400


@pytest.mark.parametrize(
    ("members", "version"),
    [
        ({"force": "true", "incremental": "False", "snapshot_id": None, "container": None}, "3.0"),
        ({"name": None, "description": None}, "3.0"),
        ({"name": "", "container": ""}, "3.0"),
        ({"metadata": None}, "3.43"),
        ({"metadata": {"a/b": "c"}}, "3.43"),
        ({"availability_zone": None}, "3.51"),
        ({"availability_zone": ""}, "3.51"),
        ({"availability_zone": "nova"}, "3.51"),
    ],
)
def test_what_may_be_said_is_accepted(as_member, members, version):
    assert create(as_member, VolumeFactory(), version=version, **members).status_code == 202


def test_another_project_s_volume_and_snapshot_are_not_found(as_stranger):
    snapshot = SnapshotFactory()
    assert create(as_stranger, snapshot.volume).status_code == 404
    own = VolumeFactory(project_id="b" * 32)
    assert create(as_stranger, own, snapshot_id=str(snapshot.pk)).status_code == 404


def test_the_snapshot_is_looked_at_instead_of_the_volume(as_member):
    snapshot = SnapshotFactory(volume__status="error")
    assert (
        create(as_member, VolumeFactory(), snapshot_id=str(snapshot.pk))
        .json()["badRequest"]["message"]
        .startswith("Invalid volume: ")
    )
    answer = create(as_member, snapshot.volume, snapshot_id=str(snapshot.pk))
    assert answer.status_code == 202
    again = create(as_member, snapshot.volume, snapshot_id=str(snapshot.pk))
    assert again.json()["badRequest"]["message"].startswith("Invalid snapshot: ")
    backup = as_member.ok("GET", f"/backups/{answer.json()['backup']['id']}")["backup"]
    assert (backup["snapshot_id"], backup["volume_id"]) == (str(snapshot.pk), str(snapshot.volume_id))
    assert as_member.ok("GET", f"/snapshots/{snapshot.pk}")["snapshot"]["status"] == "backing-up"


def test_two_backups_of_two_snapshots_go_on_at_once_but_not_two_of_the_volume(as_member):
    volume = VolumeFactory()
    for _ in range(2):
        assert create(as_member, volume, snapshot_id=str(SnapshotFactory(volume=volume).pk)).status_code == 202
    assert create(as_member, volume).status_code == 202
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "backing-up"
    assert create(as_member, volume, force=True).json()["badRequest"]["message"] == (
        'Invalid volume: Volume to be backed up must be available or in-use, but the current status is "backing-up".'
    )


def test_the_snapshot_that_is_made_for_a_backup_is_not_shown_and_does_not_count(as_member):
    create(as_member, VolumeFactory())
    assert as_member.ok("GET", "/snapshots/detail")["snapshots"] == []
    assert as_member.refused("GET", f"/snapshots/{Snapshot.objects.get().pk}")[0] == 404
    used = as_member.ok("GET", "/limits")["limits"]["absolute"]
    assert (used["totalSnapshotsUsed"], used["totalGigabytesUsed"]) == (0, 1)


def test_a_volume_in_use_needs_force(as_member):
    volume = VolumeFactory(status="in-use")
    told = create(as_member, volume, force=False).json()["badRequest"]["message"]
    assert told == "Invalid volume: Backing up an in-use volume must use the force flag."
    assert create(as_member, volume, force=True).status_code == 202


def test_an_increment_stands_on_the_newest_backup(as_member):
    parent = BackupFactory()
    volume = Volume.objects.get()
    made = create(as_member, volume, incremental=True).json()["backup"]["id"]
    assert as_member.ok("GET", f"/backups/{made}")["backup"]["is_incremental"] is True
    assert as_member.ok("GET", f"/backups/{parent.pk}")["backup"]["has_dependent_backups"] is True


@pytest.mark.parametrize(
    ("resource", "limit", "text"),
    [("backups", 1, "BackupLimitExceeded"), ("backup_gigabytes", 2, "VolumeBackupSizeExceedsAvailableQuota")],
)
def test_quotas_are_exact_and_shown(as_member, as_admin, resource, limit, text):
    as_admin.ok("PUT", f"/os-quota-sets/{PROJECT}", {"quota_set": {resource: limit}})
    BackupFactory(size_gib=1)
    volume = VolumeFactory(size_gib=2)
    code, name, message = as_member.refused("POST", "/backups", {"backup": {"volume_id": str(volume.pk)}})
    assert (code, name) == (413, "overLimit")
    assert text in message
    Quota.objects.update(limit=limit + 1)
    assert create(as_member, volume).status_code == 202
    used = as_member.ok("GET", f"/os-quota-sets/{PROJECT}?usage=true")["quota_set"]
    assert (used["backups"]["in_use"], used["backup_gigabytes"]["in_use"]) == (2, 3)
    assert used[resource]["limit"] == limit + 1
    absolute = as_member.ok("GET", "/limits")["limits"]["absolute"]
    assert (absolute["totalBackupsUsed"], absolute["totalBackupGigabytesUsed"]) == (2, 3)


def test_without_any_target_the_service_is_not_there(as_member, settings):
    settings.BACKUP_TARGETS = {}
    body = {"backup": {"volume_id": str(VolumeFactory().pk)}}
    assert as_member.refused("POST", "/backups", body)[:2] == (503, "serviceUnavailable")


# --- show, change, delete ------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", [NOBODY, "x", "x" * 300])
def test_an_unknown_backup_is_not_found(as_member, as_admin, identity):
    calls = (
        ("GET", "", None), ("PUT", "", {"backup": {}}), ("DELETE", "", None), ("POST", "/restore", {"restore": {}}),
        ("GET", "/export_record", None), ("POST", "/action", {"os-force_delete": {}}),
    )  # fmt: skip
    for method, below, body in calls:
        code, _, message = as_admin.refused(method, f"/backups/{identity}{below}", body)
        assert (code, message) == (404, f"Backup {identity} could not be found.")


def test_another_project_s_backup_is_not_there_for_anybody_but_administrators(as_stranger, as_admin):
    backup = BackupFactory()
    for method, below, body in (
        ("GET", "", None), ("PUT", "", {"backup": {}}), ("DELETE", "", None), ("POST", "/restore", {"restore": {}}),
        ("GET", "/export_record", None), ("POST", "/action", {"os-force_delete": {}}),
    ):  # fmt: skip
        assert as_stranger.refused(method, f"/backups/{backup.pk}{below}", body)[0] == 404
    theirs = BackupFactory(project_id="b" * 32)
    assert as_admin.ok("GET", f"/backups/{theirs.pk}")["backup"]["os-backup-project-attr:project_id"] == "b" * 32


def test_name_description_and_metadata_are_changed(as_member):
    path = f"/backups/{BackupFactory(metadata={'a': '1'}).pk}"
    answer = as_member.ok("PUT", path, {"backup": {"name": " new ", "description": "d"}}, version="3.9")["backup"]
    schemas.check(schemas.BACKUP_SUMMARY, answer)
    assert answer["name"] == "new"
    as_member.ok("PUT", path, {"backup": {"metadata": {"b": "2"}}}, version="3.43")
    shown = as_member.ok("GET", path)["backup"]
    assert (shown["name"], shown["description"], shown["metadata"]) == ("new", "d", {"b": "2"})
    as_member.ok("PUT", path, {"backup": {"name": None, "description": None, "metadata": {}}})
    changed = as_member.ok("GET", path)["backup"]
    assert (changed["name"], changed["description"], changed["metadata"]) == (None, None, {})
    as_member.ok("PUT", path, {"backup": {}})
    assert as_member.ok("GET", path)["backup"] == changed


@pytest.mark.parametrize(
    ("body", "version", "code"),
    [
        ({"backup": {"name": "x"}}, "3.8", 404),
        ({"backup": {"metadata": {}}}, "3.42", 400),
        ({"backup": {"metadata": None}}, "3.43", 400),
        ({"backup": {"metadata": {"k": None}}}, "3.43", 400),
        ({"backup": {"status": "error"}}, "3.71", 400),
        ({"backup": {"display_name": "x"}}, "3.71", 400),
        ({"backup": {"name": "x" * 256}}, "3.71", 400),
        ({"backup": None}, "3.71", 400),
        ({}, "3.71", 400),
        ({"backup": {}, "own": 1}, "3.71", 400),
        (None, "3.71", 400),
    ],
)
def test_another_change_is_refused(as_member, body, version, code):
    assert as_member.refused("PUT", f"/backups/{BackupFactory().pk}", body, version=version)[0] == code


def test_a_backup_is_deleted_though_others_were_made_after_it(as_member):
    parent = BackupFactory()
    child = BackupFactory(parent_id=parent.pk, volume_id=parent.volume_id, volume=None, size_gib=1)
    answer = as_member("DELETE", f"/backups/{parent.pk}")
    assert (answer.status_code, answer.content) == (202, b"")
    assert as_member.ok("GET", f"/backups/{parent.pk}")["backup"]["status"] == "deleting"
    assert as_member.ok("GET", f"/backups/{child.pk}")["backup"]["status"] == "available"
    code, _, message = as_member.refused("DELETE", f"/backups/{parent.pk}")
    assert (code, message) == (400, "Invalid backup: Backup status must be available or error")


def test_a_backup_on_a_target_that_is_not_configured_is_not_deleted(as_member):
    assert as_member.refused("DELETE", f"/backups/{BackupFactory(target='gone').pk}")[0] == 404


# --- administrators' actions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["available", "error", "ERROR", "Available"])
def test_the_status_is_reset(as_admin, status):
    backup = BackupFactory(status="error_deleting")
    as_admin.ok("POST", f"/backups/{backup.pk}/action", {"os-reset_status": {"status": status}}, status=202)
    assert Backup.objects.get().status == status.lower()


@pytest.mark.parametrize(
    "value", [{"status": "creating"}, {"status": "deleting"}, {"status": None}, {}, None, {"status": "error", "own": 1}]
)
def test_to_another_status_it_is_not_reset(as_admin, value):
    path = f"/backups/{BackupFactory().pk}/action"
    assert as_admin.refused("POST", path, {"os-reset_status": value})[0] == 400


@pytest.mark.parametrize("value", [None, {}, "x", {"own": 1}])
def test_force_deletes_whatever_is_said(as_admin, value):
    backup = BackupFactory(status="restoring")
    as_admin.ok("POST", f"/backups/{backup.pk}/action", {"os-force_delete": value}, status=202)
    assert Backup.objects.get().status == "deleting"


def test_force_forgets_what_lies_on_a_target_that_is_gone(as_admin):
    path = f"/backups/{BackupFactory(target='gone').pk}"
    as_admin.ok("POST", f"{path}/action", {"os-force_delete": {}}, status=202)
    assert as_admin.refused("GET", path)[0] == 404


def test_members_may_do_neither(as_member):
    path = f"/backups/{BackupFactory().pk}/action"
    for name, value in (("os-force_delete", {}), ("os-reset_status", {"status": "error"})):
        code, _, message = as_member.refused("POST", path, {name: value})
        assert code == 403
        assert "volume_extension:backup_admin_actions:" in message
    assert as_member.refused("POST", path, {"own": {}})[0] == 400
