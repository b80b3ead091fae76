"""Contract 03, part 1: snapshots over HTTP, and volumes made from them."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import SnapshotFactory, VolumeFactory
from volumes.models import Snapshot, Volume

VERSIONS = ["3.0", "3.14", "3.27", "3.44", "3.60", "3.71"]


def create(calls, volume, **members):
    body = {"snapshot": {"volume_id": str(volume.pk), **members}}
    return calls("POST", "/snapshots", body, version=members.pop("version", "3.71"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_snapshot_has_exactly_its_members(as_member, version):
    body = {"snapshot": {"volume_id": str(VolumeFactory().pk), "name": " s1 ", "metadata": {"k": "v"}}}
    made = as_member.ok("POST", "/snapshots", body, version=version, status=202)["snapshot"]
    schemas.check(schemas.snapshot(version, in_full=False), made)
    assert (made["status"], made["name"], made["size"]) == ("creating", "s1", 1)
    path = f"/snapshots/{made['id']}"
    in_full = schemas.snapshot(version, in_full=True)
    schemas.check(in_full, as_member.ok("GET", path, version=version)["snapshot"])
    [short] = as_member.ok("GET", "/snapshots", version=version)["snapshots"]
    schemas.check(schemas.SNAPSHOT_SUMMARY, short)
    [full] = as_member.ok("GET", "/snapshots/detail", version=version)["snapshots"]
    schemas.check(in_full, full)
    changed = as_member.ok("PUT", path, {"snapshot": {"display_name": "s2"}}, version=version)["snapshot"]
    schemas.check(schemas.snapshot(version, in_full=False), changed)
    assert changed["name"] == "s2"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"volume_id": None}, 404),
        ({"volume_id": str(uuid.UUID(int=1))}, 404),
        ({"volume_id": "x"}, 400),
        ({}, 400),
        ({"volume_id": "own", "display_description": "x"}, 400),
        ({"volume_id": "own", "own": 1}, 400),
        ({"volume_id": "own", "name": "x" * 256}, 400),
        ({"volume_id": "own", "metadata": {"a/b": "c"}}, 400),
        ({"volume_id": "own", "metadata": {"a": 1}}, 400),
        ({"volume_id": "own", "force": None}, 400),
        ({"volume_id": "own", "force": False}, 400),
    ],
)
def test_what_is_wrong_with_a_request_is_refused_and_leaves_nothing(as_member, members, code):
    if members.get("volume_id") == "own":
        members = {**members, "volume_id": str(VolumeFactory().pk)}
    assert as_member.refused("POST", "/snapshots", {"snapshot": members})[0] == code
    assert not Snapshot.objects.exists()
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("version", "force", "code"),
    [("3.0", None, 400), ("3.65", False, 400), ("3.65", True, 202), ("3.66", None, 202), ("3.66", True, 202)],
)
def test_a_volume_in_use_is_kept_by_force_and_since_3_66_without(as_member, version, force, code):
    volume = VolumeFactory(status="in-use")
    body = {"snapshot": {"volume_id": str(volume.pk), **({} if force is None else {"force": force})}}
    assert as_member("POST", "/snapshots", body, version=version).status_code == code


def test_another_project_s_volume_and_snapshot_are_not_found(as_stranger):
    snapshot = SnapshotFactory()
    assert create(as_stranger, snapshot.volume).status_code == 404
    for method, body in (("GET", None), ("PUT", {"snapshot": {"name": "x"}}), ("DELETE", None)):
        assert as_stranger.refused(method, f"/snapshots/{snapshot.pk}", body)[0] == 404
    assert as_stranger.ok("GET", "/snapshots/detail")["snapshots"] == []


def test_snapshots_are_found_by_name_status_volume_and_metadata(as_member):
    wanted = SnapshotFactory(name="wanted", metadata={"k": "v"})
    SnapshotFactory(name="other", status="error")
    for query in ("name=wanted", "status=available", f"volume_id={wanted.volume_id}", "metadata={'k': 'v'}"):
        [found] = as_member.ok("GET", f"/snapshots?{query}")["snapshots"]
        assert found["id"] == str(wanted.pk), query
    assert as_member.refused("GET", "/snapshots?own=1")[0] == 400
    assert as_member.refused("GET", "/snapshots?sort=name:asc", version="3.29")[0] == 400
    names = [one["name"] for one in as_member.ok("GET", "/snapshots?sort=name:asc", version="3.30")["snapshots"]]
    assert names == ["other", "wanted"]


def test_a_page_of_snapshots_takes_few_queries_however_long_it_is(as_member):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_member.ok("GET", "/snapshots/detail?limit=50")
        return len(captured)

    SnapshotFactory()
    few = queries()
    SnapshotFactory.create_batch(10)
    assert queries() == few <= 4


def test_metadata_is_shown_merged_replaced_and_removed(as_member):
    path = f"/snapshots/{SnapshotFactory(metadata={'a': '1'}).pk}/metadata"
    assert as_member.ok("POST", path, {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert as_member.ok("PUT", path, {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
    assert as_member.ok("PUT", f"{path}/c", {"meta": {"c": "4"}}) == {"meta": {"c": "4"}}
    assert as_member.refused("PUT", f"{path}/c", {"meta": {"d": "4"}})[0] == 400
    as_member.ok("DELETE", f"{path}/c")
    assert as_member.ok("GET", path) == {"metadata": {}}
    assert as_member.refused("GET", f"{path}/c")[0] == 404


def test_administrators_reset_and_force(as_admin, as_member):
    snapshot = SnapshotFactory(status="error_deleting")
    path = f"/snapshots/{snapshot.pk}/action"
    assert as_member.refused("POST", path, {"os-reset_status": {"status": "available"}})[0] == 403
    as_admin.ok("POST", path, {"os-reset_status": {"status": "ERROR_DELETING"}}, status=202)
    assert as_member.refused("DELETE", f"/snapshots/{snapshot.pk}")[0] == 400
    as_admin.ok("POST", path, {"os-force_delete": {}}, status=202)
    snapshot.refresh_from_db()
    assert snapshot.status == "deleting"


@pytest.mark.parametrize(
    ("before", "told", "code"),
    [("creating", "available", 202), ("creating", "deleting", 400), ("deleting", "error_deleting", 202),
     ("available", "error", 400)],
)  # fmt: skip
def test_another_service_tells_how_far_it_is(as_member, before, told, code):
    snapshot = SnapshotFactory(status=before)
    body = {"os-update_snapshot_status": {"status": told, "progress": "90%"}}
    assert as_member("POST", f"/snapshots/{snapshot.pk}/action", body).status_code == code
    shown = as_member.ok("GET", f"/snapshots/{snapshot.pk}")["snapshot"]
    unchanged = "0%" if before == "creating" else "100%"
    assert shown["os-extended-snapshot-attributes:progress"] == ("90%" if code == 202 else unchanged)


@pytest.mark.parametrize("told", ["", "90", "101%", "-1%", "x%", " 5%", 90])
def test_progress_is_a_percentage(as_member, told):
    snapshot = SnapshotFactory(status="creating")
    body = {"os-update_snapshot_status": {"status": "creating", "progress": told}}
    assert as_member.refused("POST", f"/snapshots/{snapshot.pk}/action", body)[0] == 400
    shown = as_member.ok("GET", f"/snapshots/{snapshot.pk}")["snapshot"]
    assert shown["os-extended-snapshot-attributes:progress"] == "0%"


def test_a_volume_is_made_from_a_snapshot_or_a_volume_and_says_so(as_member):
    snapshot = SnapshotFactory()
    made = as_member.ok("POST", "/volumes", {"volume": {"snapshot_id": str(snapshot.pk)}}, status=202)["volume"]
    assert (made["snapshot_id"], made["source_volid"], made["size"]) == (str(snapshot.pk), None, 1)
    body = {"volume": {"source_volid": str(snapshot.volume_id), "size": 3}}
    made = as_member.ok("POST", "/volumes", body, status=202)["volume"]
    assert (made["snapshot_id"], made["source_volid"], made["size"]) == (None, str(snapshot.volume_id), 3)
    both = {"volume": {"source_volid": str(snapshot.volume_id), "snapshot_id": str(snapshot.pk)}}
    assert as_member.refused("POST", "/volumes", both)[0] == 400
    assert as_member.refused("POST", "/volumes", {"volume": {"snapshot_id": str(uuid.UUID(int=1))}})[0] == 404


def test_a_volume_with_snapshots_goes_only_with_them(as_member):
    volume = SnapshotFactory().volume
    assert as_member.refused("DELETE", f"/volumes/{volume.pk}")[0] == 400
    assert as_member("DELETE", f"/volumes/{volume.pk}?cascade=true").status_code == 202


def test_a_volume_is_extended_and_reverted(as_member):
    snapshot = SnapshotFactory()
    path = f"/volumes/{snapshot.volume_id}/action"
    assert as_member.refused("POST", path, {"revert": {}})[0] == 400
    assert as_member.refused("POST", path, {"revert": {"snapshot_id": "x"}})[0] == 400
    assert as_member.refused("POST", path, {"revert": {"snapshot_id": str(snapshot.pk)}}, version="3.39")[0] == 404
    as_member.ok("POST", path, {"revert": {"snapshot_id": str(snapshot.pk)}}, status=202)
    assert Volume.objects.get().status == "reverting"
    other = f"/volumes/{VolumeFactory().pk}/action"
    for size in (0, 1, "x", None):
        assert as_member.refused("POST", other, {"os-extend": {"new_size": size}})[0] == 400
    as_member.ok("POST", other, {"os-extend": {"new_size": "2"}}, status=202)
    assert as_member.refused("POST", other, {"os-extend": {"new_size": 3}})[0] == 400
