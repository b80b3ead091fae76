"""Contract 06, section 8: the older calls about consistency groups, over HTTP."""

import uuid

import pytest
from grouping import living, work

from drivers.types import Fence
from scheduling.reports import REPORTS
from tests import schemas
from tests.factories import GroupFactory, GroupSnapshotFactory, VolumeFactory, VolumeTypeFactory
from volumes import backends
from volumes.models import Group, GroupSnapshot, Snapshot, Volume
from volumes.services.group_types import reserved_type

SUMMARY = {"id": schemas.UUID, "name": schemas.nullable(schemas.TEXT)}
DETAIL = {
    **SUMMARY,
    "status": schemas.TEXT,
    "availability_zone": schemas.TEXT,
    "created_at": schemas.TIME,
    "description": schemas.nullable(schemas.TEXT),
    "volume_types": {"type": "array", "items": schemas.UUID},
}
SNAPSHOT = {
    **SUMMARY,
    "consistencygroup_id": schemas.UUID,
    "status": schemas.TEXT,
    "created_at": schemas.TIME,
    "description": schemas.nullable(schemas.TEXT),
}
UNKNOWN = str(uuid.uuid4())
# What clients of that time send beside what they mean.
CHATTER = {"user_id": None, "project_id": None, "status": "creating"}


@pytest.fixture(autouse=True)
def knows_nothing():
    REPORTS.forget()
    yield
    REPORTS.forget()


@pytest.fixture
def group(default_type):
    """Return a consistency group with a volume on the storage."""
    group = GroupFactory(group_type=reserved_type())
    volume = VolumeFactory(group=group, name="member")
    backends.driver("mem1").create_volume(volume.ref(), Fence(0, 1))
    return group


@pytest.fixture
def other(default_type):
    """Return a group that is none."""
    return GroupFactory()


@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_a_consistency_group_is_made_shown_and_listed(as_member, default_type, other, version):
    as_member.version = version
    living("mem1")
    VolumeTypeFactory(name="fast")
    body = {"name": "cg", "description": "d", "volume_types": "__DEFAULT__, fast", "availability_zone": None, **CHATTER}
    made = as_member.ok("POST", "/consistencygroups", {"consistencygroup": body}, status=202)["consistencygroup"]
    schemas.check(schemas.exactly(SUMMARY), made)
    work()
    path = f"/consistencygroups/{made['id']}"
    shown = as_member.ok("GET", path)["consistencygroup"]
    schemas.check(schemas.exactly(DETAIL), shown)
    assert (shown["status"], shown["name"], len(shown["volume_types"])) == ("available", "cg", 2)
    assert as_member.ok("GET", "/consistencygroups/detail")["consistencygroups"] == [shown]
    (summary,) = as_member.ok("GET", "/consistencygroups")["consistencygroups"]
    schemas.check(schemas.exactly(SUMMARY), summary)
    assert Group.objects.get(pk=made["id"]).group_type.is_consistent
    (link,) = as_member.ok("GET", "/consistencygroups?limit=1")["consistencygroup_links"]
    assert "marker=" in link["href"]


@pytest.mark.parametrize(
    ("members", "code"),
    [({"volume_types": None}, 400), ({"volume_types": ""}, 400), ({"volume_types": " , "}, 400),
     ({"volume_types": ["a"]}, 400), ({"volume_types": "nothing"}, 404), ({"availability_zone": "mars"}, 400),
     ({"name": "x" * 256}, 400)],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused(as_member, default_type, members, code):
    body = {"consistencygroup": {"volume_types": "__DEFAULT__", **members}}
    assert as_member.refused("POST", "/consistencygroups", body)[0] == code
    assert as_member.refused("POST", "/consistencygroups", {"consistencygroup": {}})[0] == 400
    assert not Group.objects.exists()


def test_a_volume_of_a_consistency_group_shows_both_ids(as_member, group, other):
    volume = group.volumes.get()
    shown = as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert shown["consistencygroup_id"] == shown["group_id"] == str(group.pk)
    body = {"volume": {"size": 1, "volume_type": "__DEFAULT__", "consistencygroup_id": str(group.pk)}}
    made = as_member.ok("POST", "/volumes", body, status=202, version="3.0")["volume"]
    assert made["consistencygroup_id"] == str(group.pk)
    elsewhere = VolumeFactory(group=other)
    assert as_member.ok("GET", f"/volumes/{elsewhere.pk}")["volume"]["consistencygroup_id"] is None


def test_other_groups_are_no_consistency_groups(as_member, other):
    kept = GroupSnapshotFactory(group=other)
    for call in (("GET", f"/consistencygroups/{other.pk}"), ("GET", f"/cgsnapshots/{kept.pk}"),
                 ("DELETE", f"/cgsnapshots/{kept.pk}"),
                 ("PUT", f"/consistencygroups/{other.pk}/update", {"consistencygroup": {"name": "x"}}),
                 ("POST", f"/consistencygroups/{other.pk}/delete", {"consistencygroup": {}}),
                 ("POST", "/cgsnapshots", {"cgsnapshot": {"consistencygroup_id": str(other.pk)}})):  # fmt: skip
        assert as_member.refused(*call)[0] == 404
    for name in ("consistencygroups", "cgsnapshots"):
        assert as_member.ok("GET", f"/{name}")[name] == []


def test_consistency_groups_of_other_projects_are_not_there(as_stranger, as_admin, group):
    kept = GroupSnapshotFactory(group=group)
    assert as_stranger.refused("GET", f"/consistencygroups/{group.pk}")[0] == 404
    assert as_stranger.refused("GET", f"/cgsnapshots/{kept.pk}")[0] == 404
    GroupFactory(group_type=reserved_type(), project_id="c" * 32)
    assert len(as_admin.ok("GET", "/consistencygroups?all_tenants=1")["consistencygroups"]) == 2


@pytest.mark.parametrize("below", ["", "/update"])
def test_it_is_changed(as_member, group, below):
    path, added = f"/consistencygroups/{group.pk}{below}", VolumeFactory()
    gone = group.volumes.get()
    body = {"name": "", "description": None, "add_volumes": str(added.pk), "remove_volumes": str(gone.pk), **CHATTER}
    answer = as_member("PUT", path, {"consistencygroup": body})
    assert (answer.status_code, answer.content) == (202, b"")
    group.refresh_from_db()
    assert (group.name, group.volumes.get()) == ("", added)
    for members in ({}, {"name": None}, {"add_volumes": UNKNOWN}):
        assert as_member.refused("PUT", path, {"consistencygroup": members})[0] == 400


def test_it_goes_by_force_with_its_volumes_and_otherwise_only_without(as_member, group):
    path = f"/consistencygroups/{group.pk}/delete"
    for members in ({}, {"force": False}, {"force": "False"}, {"force": "maybe"}):
        assert as_member.refused("POST", path, {"consistencygroup": members})[0] == 400
    assert as_member("POST", path, {"consistencygroup": {"force": "True"}}).status_code == 202
    work()
    assert not Group.objects.exists()
    assert not Volume.objects.exists()
    assert list(backends.driver("mem1").list_volumes()) == []


def test_it_is_kept_given_up_and_made_a_group_of(as_member, group):
    living("mem1")
    body = {"consistencygroup_id": str(group.pk), "name": "s", "description": "d", **CHATTER}
    made = as_member.ok("POST", "/cgsnapshots", {"cgsnapshot": body}, status=202)["cgsnapshot"]
    schemas.check(schemas.exactly(SUMMARY), made)
    work()
    shown = as_member.ok("GET", f"/cgsnapshots/{made['id']}")["cgsnapshot"]
    schemas.check(schemas.exactly(SNAPSHOT), shown)
    assert (shown["status"], shown["consistencygroup_id"]) == ("available", str(group.pk))
    assert as_member.ok("GET", "/cgsnapshots/detail")["cgsnapshots"] == [shown]
    assert len(as_member.ok("GET", f"/cgsnapshots?consistencygroup_id={group.pk}")["cgsnapshots"]) == 1
    assert as_member.ok("GET", f"/cgsnapshots?consistencygroup_id={UNKNOWN}")["cgsnapshots"] == []
    for source in ({"cgsnapshot_id": made["id"], "source_cgid": None}, {"source_cgid": str(group.pk)}):
        body = {"consistencygroup-from-src": {"name": "copy", "description": None, **source, **CHATTER}}
        copy = as_member.ok("POST", "/consistencygroups/create_from_src", body, status=202)["consistencygroup"]
        work()
        assert as_member.ok("GET", f"/consistencygroups/{copy['id']}")["consistencygroup"]["status"] == "available"
        assert Group.objects.get(pk=copy["id"]).volumes.get().status == "available"
    assert as_member("DELETE", f"/cgsnapshots/{made['id']}").status_code == 202
    work()
    assert not GroupSnapshot.objects.exists()
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("source", "code"),
    [({}, 400), ({"cgsnapshot_id": UNKNOWN, "source_cgid": UNKNOWN}, 400), ({"cgsnapshot_id": UNKNOWN}, 404),
     ({"source_cgid": UNKNOWN}, 404), ({"source_cgid": "x"}, 400)],
)  # fmt: skip
def test_a_source_is_named_once_and_exists(as_member, default_type, source, code):
    body = {"consistencygroup-from-src": source}
    assert as_member.refused("POST", "/consistencygroups/create_from_src", body)[0] == code
    assert as_member.refused("POST", "/cgsnapshots", {"cgsnapshot": {"consistencygroup_id": UNKNOWN}})[0] == 404


def test_old_clients_find_the_extensions(as_member):
    aliases = {each["alias"] for each in as_member.ok("GET", "/extensions")["extensions"]}
    assert {"consistencygroups", "cgsnapshots"} <= aliases
