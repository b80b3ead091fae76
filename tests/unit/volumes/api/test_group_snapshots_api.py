"""Contract 06, section 7, and groups made from snapshots and groups (section 6), over HTTP."""

import uuid

import pytest
from grouping import living, work

from drivers.connect import open_connection
from drivers.types import Connector, ExportRequest, Fence
from scheduling.reports import REPORTS
from storage_site.operations.models import Operation, Service
from tests import schemas
from tests.factories import GroupFactory, GroupSnapshotFactory, GroupTypeFactory, SnapshotFactory, VolumeFactory
from volumes import backends
from volumes.models import Group, GroupSnapshot, Quota, Snapshot, Volume

SUMMARY = {"id": schemas.UUID, "name": schemas.nullable(schemas.TEXT)}
CREATED = {**SUMMARY, "group_type_id": schemas.UUID}
DETAIL = {
    **CREATED,
    "group_id": schemas.UUID,
    "status": schemas.TEXT,
    "created_at": schemas.TIME,
    "description": schemas.nullable(schemas.TEXT),
}
UNKNOWN = str(uuid.uuid4())
CONSISTENT = {"consistent_group_snapshot_enabled": "<is> True"}
HOST = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(autouse=True)
def knows_nothing():
    REPORTS.forget()
    yield
    REPORTS.forget()


@pytest.fixture(params=["plain", "of one moment"])
def group(default_type, request):
    """Return a group with two volumes that exist on the storage, and hold their numbers."""
    specs = CONSISTENT if request.param == "of one moment" else {}
    group = GroupFactory(group_type=GroupTypeFactory(group_specs=specs))
    for number in (b"1", b"2"):
        volume = VolumeFactory(group=group, name=number.decode(), is_bootable=True)
        backends.driver("mem1").create_volume(volume.ref(), Fence(0, 1))
        content(volume, number)
    return group


def content(volume, write: bytes = b"") -> bytes:
    """Return the first byte of the volume, after writing one."""
    driver, late = backends.driver("mem1"), Fence(10**6, 1)
    with open_connection(driver.export(volume.ref(), ExportRequest(HOST, Connector("h")), late)) as connection:
        if write:
            connection.pwrite(write, 0)
        found = bytes(connection.pread(1, 0))
    driver.unexport(volume.ref(), HOST, late)
    return found


def keep(calls, group, **members):
    body = {"group_snapshot": {"group_id": str(group.pk), **members}}
    return calls.ok("POST", "/group_snapshots", body, status=202)["group_snapshot"]


def refused(calls, group, **members):
    return calls.refused("POST", "/group_snapshots", {"group_snapshot": {"group_id": str(group.pk), **members}})


def make_from(calls, **members):
    return calls.ok("POST", "/groups/action", {"create-from-src": members}, status=202)["group"]


# --- keeping


def test_what_all_volumes_hold_is_kept_and_given_up(as_member, group):
    Volume.objects.filter(name="2").update(status="in-use")
    made = keep(as_member, group, name="gs", description="d")
    schemas.check(schemas.exactly(CREATED), made)
    path = f"/group_snapshots/{made['id']}"
    assert as_member.ok("GET", path)["group_snapshot"]["status"] == "creating"
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"creating"}
    work()
    shown = as_member.ok("GET", path)["group_snapshot"]
    schemas.check(schemas.exactly(DETAIL), shown)
    assert (shown["status"], shown["name"], shown["description"]) == ("available", "gs", "d")
    assert (shown["group_id"], shown["group_type_id"]) == (str(group.pk), str(group.group_type_id))
    parts = as_member.ok("GET", "/snapshots/detail")["snapshots"]
    assert {(one["status"], one["group_snapshot_id"]) for one in parts} == {("available", made["id"])}
    assert {one["volume_id"] for one in parts} == {str(pk) for pk in Volume.objects.values_list("pk", flat=True)}
    assert "group_snapshot_id" not in as_member.ok("GET", f"/snapshots/{parts[0]['id']}", version="3.13")["snapshot"]
    assert len(list(backends.driver("mem1").list_snapshots())) == 2
    answer = as_member("DELETE", path)
    assert (answer.status_code, answer.content) == (202, b"")
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"deleting"}
    work()
    assert as_member.refused("GET", path)[0] == 404
    assert not Snapshot.objects.exists()
    assert list(backends.driver("mem1").list_snapshots()) == []


def test_there_are_no_group_snapshots_before_3_14(as_member, as_admin, default_type):
    made = GroupSnapshotFactory()
    for call in (("GET", "/group_snapshots"), ("GET", "/group_snapshots/detail"),
                 ("GET", f"/group_snapshots/{made.pk}"), ("POST", "/group_snapshots", {}),
                 ("DELETE", f"/group_snapshots/{made.pk}"),
                 ("POST", "/groups/action", {"create-from-src": {}})):  # fmt: skip
        assert as_member.refused(*call, version="3.13")[0] == 404
    shown = as_admin.ok("GET", f"/group_snapshots/{made.pk}", version="3.58")["group_snapshot"]
    schemas.check(schemas.exactly(DETAIL | {"project_id": schemas.TEXT}), shown)
    schemas.check(
        schemas.exactly(DETAIL), as_admin.ok("GET", f"/group_snapshots/{made.pk}", version="3.57")["group_snapshot"]
    )


@pytest.mark.parametrize("status", ["creating", "error", "deleting"])
def test_only_a_group_that_is_available_is_kept(as_member, default_type, status):
    group = GroupFactory(status=status)
    VolumeFactory(group=group)
    text = f"Invalid Group: Group {group.pk} must be available, but its status is {status}."
    assert refused(as_member, group)[0::2] == (400, text)


def test_an_empty_group_has_nothing_to_keep(as_member, default_type):
    assert refused(as_member, GroupFactory())[0] == 400


@pytest.mark.parametrize("status", ["error", "creating", "maintenance", "extending"])
def test_a_volume_that_is_busy_keeps_its_group_from_being_kept(as_member, group, status):
    Volume.objects.filter(name="2").update(status=status)
    code, _, message = refused(as_member, group)
    assert (code, message[:15]) == (400, "Invalid volume:")
    assert not GroupSnapshot.objects.exists()
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(("resource", "limit"), [("snapshots", 1), ("gigabytes", 3), ("snapshots___DEFAULT__", 1)])
def test_quotas_of_snapshots_hold_for_all_parts_together(as_member, group, resource, limit):
    Quota.objects.create(project_id=group.project_id, resource=resource, limit=limit)
    assert refused(as_member, group)[0] == 413
    assert not Snapshot.objects.exists()
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    "members", [{"group_id": None}, {"group_id": "x"}, {"name": "x" * 256}, {"name": 1}, {"x": 1}, {"status": "error"}]
)
def test_a_wish_of_another_shape_is_refused(as_member, default_type, members):
    assert refused(as_member, GroupFactory(), **members)[0] == 400
    assert refused(as_member, GroupFactory(), group_id=UNKNOWN)[0] == 404


def test_snapshots_of_other_projects_are_not_there(as_member, as_stranger, as_admin, default_type):
    made = GroupSnapshotFactory()
    GroupSnapshotFactory(project_id="b" * 32)
    for call in (("GET", ""), ("DELETE", ""), ("GET", "/timeline")):
        assert as_stranger.refused(call[0], f"/group_snapshots/{made.pk}{call[1]}")[0] == 404
    assert refused(as_stranger, made.group)[0] == 404
    for calls, count in ((as_member, 1), (as_stranger, 1), (as_admin, 1)):
        assert len(calls.ok("GET", "/group_snapshots")["group_snapshots"]) == count
    assert len(as_admin.ok("GET", "/group_snapshots?all_tenants=1")["group_snapshots"]) == 2


def test_snapshots_are_filtered_sorted_and_cut_into_pages(as_member, default_type):
    group = GroupFactory()
    for name, status in (("a", "available"), ("b", "error"), ("c", "available")):
        GroupSnapshotFactory(name=name, status=status, group=group)
    GroupSnapshotFactory(name="other")

    def names(query, **rest):
        return [each["name"] for each in as_member.ok("GET", f"/group_snapshots?{query}", **rest)["group_snapshots"]]

    assert names(f"group_id={group.pk}") == ["c", "b", "a"]
    assert names("name=b") == ["b"]
    assert names("status=available&sort=name:asc") == ["a", "c", "other"]
    assert names("status=error", version="3.28") == ["other", "c", "b", "a"]
    assert as_member.refused("GET", "/group_snapshots?description=x")[0] == 400
    for version in ("3.14", "3.71"):
        page = as_member.ok("GET", "/group_snapshots?limit=3", version=version)
        (link,) = page["group_snapshot_links"]
        assert names(link["href"].partition("?")[2], version=version) == ["a"]
    (schema,) = as_member.ok("GET", "/group_snapshots?name=b")["group_snapshots"]
    schemas.check(schemas.exactly(SUMMARY), schema)
    assert as_member.refused("GET", f"/group_snapshots?marker={UNKNOWN}")[0] == 404


# --- giving up


@pytest.mark.parametrize("status", ["creating", "deleting", "error_deleting", "updating"])
def test_a_snapshot_that_is_busy_is_not_deleted(as_member, default_type, status):
    made = GroupSnapshotFactory(status=status)
    assert as_member.refused("DELETE", f"/group_snapshots/{made.pk}")[0] == 400


def test_a_part_is_neither_deleted_nor_forgotten_by_itself(as_member, as_admin, group):
    keep(as_member, group)
    work()
    part = Snapshot.objects.first()
    assert as_member.refused("DELETE", f"/snapshots/{part.pk}")[0] == 400
    for action in ("os-force_delete", "os-unmanage"):
        assert as_admin.refused("POST", f"/snapshots/{part.pk}/action", {action: {}})[0] == 400
    Volume.objects.filter(pk=part.volume_id).update(group=None)
    assert as_member.refused("DELETE", f"/volumes/{part.volume_id}?cascade=true")[0] == 400


def test_a_part_that_is_needed_keeps_the_whole(as_member, group):
    made = keep(as_member, group)
    work()
    VolumeFactory(status="creating", snapshot_id=Snapshot.objects.first().pk)
    code, _, message = as_member.refused("DELETE", f"/group_snapshots/{made['id']}")
    assert (code, message[:22]) == (400, "Invalid GroupSnapshot:")
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"available"}


def test_an_administrator_sets_the_record_straight(as_member, as_admin, group):
    made = keep(as_member, group)
    call = "POST", f"/group_snapshots/{made['id']}/action", {"reset_status": {"status": "error"}}
    assert as_member.refused(*call)[0] == 403
    assert as_admin.refused(*call, version="3.18")[0] == 404
    assert as_admin(*call).status_code == 202
    assert as_member.ok("GET", f"/group_snapshots/{made['id']}")["group_snapshot"]["status"] == "error"
    # What was under way has ended, so its parts will not come either.
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"error"}
    for value in ({}, {"status": "lost"}, {"status": None}, {"status": "error", "x": 1}):
        assert as_admin.refused("POST", call[1], {"reset_status": value})[0] == 400
    assert as_member("DELETE", f"/group_snapshots/{made['id']}").status_code == 202
    work()
    assert not GroupSnapshot.objects.exists()


# --- groups made from them


def test_a_group_is_made_from_a_snapshot(as_member, group):
    living("mem1", "mem2")
    kept = keep(as_member, group)
    work()
    for volume in Volume.objects.all():
        content(volume, b"x")
    made = make_from(as_member, group_snapshot_id=kept["id"], name="copy", description="d")
    schemas.check(schemas.exactly(SUMMARY), made)
    assert as_member.refused("DELETE", f"/group_snapshots/{kept['id']}")[0] == 400
    work()
    shown = as_member.ok("GET", f"/groups/{made['id']}?list_volume=true")["group"]
    assert (shown["status"], shown["name"], shown["group_snapshot_id"]) == ("available", "copy", kept["id"])
    assert (shown["group_type"], len(shown["volumes"])) == (str(group.group_type_id), 2)
    for volume in Volume.objects.filter(group_id=made["id"]):
        assert (volume.status, volume.backend, volume.is_bootable) == ("available", "mem1", True)
        assert content(volume) == volume.name.encode()
        assert Snapshot.objects.get(pk=volume.snapshot_id).volume.name == volume.name
    assert Group.objects.get(pk=made["id"]).backend == "mem1"


def test_a_group_is_made_from_another_one(as_member, group):
    living("mem1", "mem2")
    Volume.objects.filter(name="2").update(status="in-use")
    made = make_from(as_member, source_group_id=str(group.pk))
    assert as_member.refused("POST", f"/groups/{group.pk}/action", {"delete": {"delete-volumes": True}})[0] == 400
    work()
    shown = as_member.ok("GET", f"/groups/{made['id']}")["group"]
    assert (shown["status"], shown["source_group_id"], shown["name"]) == ("available", str(group.pk), None)
    copies = Volume.objects.filter(group_id=made["id"])
    assert {(content(volume), volume.name.encode()) for volume in copies} == {(b"1", b"1"), (b"2", b"2")}
    assert {volume.source_volume_id for volume in copies} == {volume.pk for volume in group.volumes.all()}


@pytest.mark.parametrize(
    ("members", "code"),
    [({}, 400), ({"name": "x"}, 400), ({"group_snapshot_id": UNKNOWN, "source_group_id": UNKNOWN}, 400),
     ({"group_snapshot_id": None, "source_group_id": None}, 400), ({"source_group_id": "x"}, 400),
     ({"group_snapshot_id": UNKNOWN}, 404), ({"source_group_id": UNKNOWN, "group_snapshot_id": None}, 404),
     ({"source_group_id": UNKNOWN, "x": 1}, 400), ({"source_group_id": UNKNOWN, "name": "x" * 256}, 400)],
)  # fmt: skip
def test_a_source_is_named_once_and_exists(as_member, default_type, members, code):
    assert as_member.refused("POST", "/groups/action", {"create-from-src": members})[0] == code


def test_an_action_that_is_none_is_refused(as_member):
    assert "There is no such action" in as_member.refused("POST", "/groups/action", {"x": {}})[2]
    assert as_member.refused("POST", "/groups/action", {})[0] == 400


def test_a_group_that_could_not_be_made_from_a_source_is_deleted_with_its_volumes(as_member, group):
    living("mem1")
    Service.objects.update(is_disabled=True)
    made = make_from(as_member, source_group_id=str(group.pk))
    Operation.objects.update(created_at="2020-01-01T00:00:00Z")
    work()
    path = f"/groups/{made['id']}"
    assert as_member.ok("GET", path)["group"]["status"] == "error"
    as_member.ok("POST", f"{path}/action", {"delete": {"delete-volumes": True}}, status=202)
    work()
    assert as_member.refused("GET", path)[0] == 404
    assert set(Volume.objects.values_list("group", flat=True)) == {group.pk}


@pytest.mark.parametrize("what", ["snapshot", "part", "group", "volume", "empty"])
def test_what_is_not_ready_is_no_source(as_member, default_type, what):
    group = GroupFactory(status="error" if what == "group" else "available")
    if what != "empty":
        VolumeFactory(group=group, status="extending" if what == "volume" else "available")
    members = {"source_group_id": str(group.pk)}
    if what in {"snapshot", "part"}:
        kept = GroupSnapshotFactory(group=group, status="creating" if what == "snapshot" else "available")
        SnapshotFactory(volume=group.volumes.get(), group_snapshot=kept, status="error")
        members = {"group_snapshot_id": str(kept.pk)}
    assert as_member.refused("POST", "/groups/action", {"create-from-src": members})[0] == 400
    assert Group.objects.count() == 1


def test_sources_of_other_projects_are_not_there(as_stranger, default_type):
    kept = GroupSnapshotFactory()
    for members in ({"group_snapshot_id": str(kept.pk)}, {"source_group_id": str(kept.group_id)}):
        assert as_stranger.refused("POST", "/groups/action", {"create-from-src": members})[0] == 404


@pytest.mark.parametrize(
    ("resource", "limit"), [("groups", 1), ("volumes", 3), ("gigabytes", 3), ("volumes___DEFAULT__", 3)]
)
def test_quotas_hold_for_the_group_and_all_its_volumes(as_member, group, resource, limit):
    Quota.objects.create(project_id=group.project_id, resource=resource, limit=limit)
    body = {"create-from-src": {"source_group_id": str(group.pk)}}
    assert as_member.refused("POST", "/groups/action", body)[0] == 413
    assert (Group.objects.count(), Volume.objects.count(), Operation.objects.count()) == (1, 2, 0)
