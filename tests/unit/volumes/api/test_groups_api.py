"""Contract 06, section 6: groups over HTTP."""

import uuid

import pytest
from grouping import living, work

from drivers.types import Fence
from scheduling.reports import REPORTS
from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import (
    AttachmentFactory,
    GroupFactory,
    GroupSnapshotFactory,
    GroupTypeFactory,
    SnapshotFactory,
    VolumeFactory,
    VolumeTypeFactory,
)
from volumes import backends
from volumes.models import Group, Quota, Volume, VolumeType
from volumes.services.group_types import reserved_type

SUMMARY = {"id": schemas.UUID, "name": schemas.nullable(schemas.TEXT)}
AT_3_13 = {
    **SUMMARY,
    "status": schemas.TEXT,
    "availability_zone": schemas.TEXT,
    "created_at": schemas.TIME,
    "description": schemas.nullable(schemas.TEXT),
    "group_type": schemas.UUID,
    "volume_types": {"type": "array", "items": schemas.UUID},
}
AT_3_14 = {
    **AT_3_13,
    "group_snapshot_id": schemas.nullable(schemas.UUID),
    "source_group_id": schemas.nullable(schemas.UUID),
}
AT_3_38 = {**AT_3_14, "replication_status": schemas.TEXT}
SHAPES = {"3.13": AT_3_13, "3.14": AT_3_14, "3.24": AT_3_14, "3.37": AT_3_14, "3.38": AT_3_38, "3.71": AT_3_38}
UNKNOWN = str(uuid.uuid4())


@pytest.fixture(autouse=True)
def knows_nothing():
    REPORTS.forget()
    yield
    REPORTS.forget()


@pytest.fixture
def silver(db):
    return GroupTypeFactory(name="silver")


@pytest.fixture
def group(default_type):
    return GroupFactory()


def wished(silver, **members):
    return {"group": {"group_type": str(silver.pk), "volume_types": ["__DEFAULT__"], **members}}


def member_of(group, **fields):
    return VolumeFactory(group=group, volume_type=group.volume_types.first(), **fields)


def act(calls, group, action, value=None, **rest):
    return calls("POST", f"/groups/{group.pk}/action", {action: {} if value is None else value}, **rest)


def refused(calls, group, action, value=None, **rest):
    return calls.refused("POST", f"/groups/{group.pk}/action", {action: {} if value is None else value}, **rest)


# --- making one


def test_a_group_is_placed_for_all_its_types_and_shown(as_member, silver):
    living("mem1", "mem2")
    fast = VolumeTypeFactory(name="fast", extra_specs={"volume_backend_name": "mem2"})
    body = wished(silver, name=" g ", description="d", volume_types=["__DEFAULT__", str(fast.pk), "fast"])
    made = as_member.ok("POST", "/groups", body, status=202)["group"]
    schemas.check(schemas.exactly(SUMMARY), made)
    path = f"/groups/{made['id']}"
    assert as_member.ok("GET", path)["group"]["status"] == "creating"
    work()
    shown = as_member.ok("GET", path)["group"]
    assert (shown["status"], shown["name"], shown["description"]) == ("available", "g", "d")
    assert shown["group_type"] == str(silver.pk)
    assert set(shown["volume_types"]) == {str(fast.pk), str(VolumeType.objects.get(name="__DEFAULT__").pk)}
    assert Group.objects.get().backend == "mem2"


@pytest.mark.parametrize(
    ("specs", "status"),
    [({"consistent_group_snapshot_enabled": "<is> True"}, "available"),
     ({"consistent_group_snapshot_enabled": "<is> False"}, "available"), ({"colour": "red"}, "available"),
     ({"group_replication_enabled": "<is> True"}, "error")],
)  # fmt: skip
def test_a_group_is_where_what_its_type_asks_for_can_be_done(as_member, default_type, specs, status):
    living("mem1")
    kind = GroupTypeFactory(group_specs=specs)
    made = as_member.ok("POST", "/groups", wished(kind), status=202)["group"]
    Operation.objects.update(created_at="2020-01-01T00:00:00Z")
    work()
    assert as_member.ok("GET", f"/groups/{made['id']}")["group"]["status"] == status


@pytest.mark.parametrize("version", SHAPES)
def test_a_group_has_exactly_the_members_of_the_version(as_member, as_admin, group, version):
    path = f"/groups/{group.pk}"
    schemas.check(schemas.exactly(SHAPES[version]), as_member.ok("GET", path, version=version)["group"])
    (listed,) = as_member.ok("GET", "/groups/detail", version=version)["groups"]
    schemas.check(schemas.exactly(SHAPES[version]), listed)
    (summary,) = as_member.ok("GET", "/groups", version=version)["groups"]
    schemas.check(schemas.exactly(SUMMARY), summary)
    own = {"project_id": schemas.TEXT} if version == "3.71" else {}
    schemas.check(schemas.exactly(SHAPES[version] | own), as_admin.ok("GET", path, version=version)["group"])


def test_there_are_no_groups_before_3_13(as_member, group, silver):
    for call in (("GET", "/groups"), ("GET", "/groups/detail"), ("GET", f"/groups/{group.pk}"),
                 ("POST", "/groups", wished(silver)), ("PUT", f"/groups/{group.pk}", {"group": {"name": "x"}}),
                 ("POST", f"/groups/{group.pk}/action", {"delete": {}})):  # fmt: skip
        assert as_member.refused(*call, version="3.12")[0] == 404


def test_volumes_are_shown_where_they_are_asked_for_since_3_25(as_member, group):
    volume = member_of(group)
    path = f"/groups/{group.pk}"
    assert as_member.ok("GET", f"{path}?list_volume=true")["group"]["volumes"] == [str(volume.pk)]
    assert as_member.ok("GET", "/groups/detail?list_volume=True")["groups"][0]["volumes"] == [str(volume.pk)]
    assert "volumes" not in as_member.ok("GET", f"{path}?list_volume=false")["group"]
    assert "volumes" not in as_member.ok("GET", f"{path}?list_volume=true", version="3.24")["group"]
    assert as_member.refused("GET", f"{path}?list_volume=maybe")[0] == 400


def test_a_group_that_fits_nowhere_is_in_error_and_says_why(as_member, silver):
    living("mem1", "mem2")
    first, second = (VolumeTypeFactory(extra_specs={"volume_backend_name": key}) for key in ("mem1", "mem2"))
    body = wished(silver, volume_types=[str(first.pk), str(second.pk)])
    made = as_member.ok("POST", "/groups", body, status=202)["group"]
    Operation.objects.update(created_at="2020-01-01T00:00:00Z")
    work()
    assert as_member.ok("GET", f"/groups/{made['id']}")["group"]["status"] == "error"
    operation = Operation.objects.get()
    assert operation.fault_code == "no-valid-backend"
    assert "volume_backend_name" in operation.fault_detail
    timeline = as_member.ok("GET", f"/groups/{made['id']}/timeline")["timeline"]
    assert timeline["last_failure"]["verb"] == "create"


@pytest.mark.parametrize(
    ("members", "code"),
    [({"group_type": None}, 400), ({"group_type": "nothing"}, 404), ({"group_type": UNKNOWN}, 404),
     ({"volume_types": []}, 400), ({"volume_types": None}, 400), ({"volume_types": "a"}, 400),
     ({"volume_types": [1]}, 400), ({"volume_types": ["nothing"]}, 404), ({"volume_types": [UNKNOWN]}, 404),
     ({"availability_zone": "mars"}, 400), ({"name": "x" * 256}, 400), ({"name": 1}, 400), ({"status": "x"}, 400),
     ({"group_type": "default_cgsnapshot_type"}, 400)],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_and_changes_nothing(as_member, silver, members, code):
    reserved_type()
    assert as_member.refused("POST", "/groups", wished(silver, **members))[0] == code
    assert not Group.objects.exists()


@pytest.mark.parametrize("missing", ["group_type", "volume_types"])
def test_a_wish_names_its_types(as_member, silver, missing):
    body = wished(silver)
    del body["group"][missing]
    assert as_member.refused("POST", "/groups", body)[0] == 400


def test_a_name_may_be_empty_or_null(as_member, silver):
    for name in ("", None):
        assert as_member.ok("POST", "/groups", wished(silver, name=name), status=202)["group"]["name"] == name


def test_groups_count_against_a_quota(as_member, as_admin, silver, group):
    Quota.objects.create(project_id=group.project_id, resource="groups", limit=1)
    refusal = as_member.refused("POST", "/groups", wished(silver))
    message = "GroupLimitExceeded: Maximum number of groups allowed (1) exceeded for quota 'groups'."
    assert refusal == (413, "overLimit", message)
    usage = as_admin.ok("GET", f"/os-quota-sets/{group.project_id}?usage=true")["quota_set"]
    assert usage["groups"] == {"limit": 1, "in_use": 1, "reserved": 0}


# --- listing


def test_groups_of_other_projects_are_not_there(as_member, as_stranger, as_admin, group):
    assert as_stranger.ok("GET", "/groups")["groups"] == []
    for call in (("GET", ""), ("PUT", "", {"group": {"name": "x"}}), ("POST", "/action", {"delete": {}}),
                 ("GET", "/timeline")):  # fmt: skip
        assert as_stranger.refused(call[0], f"/groups/{group.pk}{call[1]}", *call[2:])[0] == 404
    GroupFactory(project_id="c" * 32)
    assert len(as_admin.ok("GET", "/groups")["groups"]) == 1
    assert len(as_admin.ok("GET", "/groups?all_tenants=1")["groups"]) == 2
    assert len(as_member.ok("GET", "/groups?all_tenants=1")["groups"]) == 1
    assert as_member.ok("GET", "/groups?all_tenants=1", version="3.30")["groups"] == []


def test_groups_are_filtered_sorted_and_cut_into_pages(as_member, as_admin, default_type):
    for name, status in (("a", "available"), ("b", "error"), ("c", "available")):
        GroupFactory(name=name, status=status)

    def names(calls, query, **rest):
        return [each["name"] for each in calls.ok("GET", f"/groups?{query}", **rest)["groups"]]

    assert names(as_member, "") == ["c", "b", "a"]
    assert names(as_member, "name=b") == ["b"]
    assert names(as_admin, "status=available&sort=name:asc") == ["a", "c"]
    assert as_member.refused("GET", "/groups?status=error")[0] == 400
    assert names(as_member, "status=error", version="3.30") == ["c", "b", "a"]
    page = as_member.ok("GET", "/groups?limit=2&sort=name:asc")
    (link,) = page["group_links"]
    assert names(as_member, link["href"].partition("?")[2]) == ["c"]
    assert names(as_member, "limit=0") == []
    assert as_member.refused("GET", f"/groups?marker={UNKNOWN}")[0] == 404
    assert as_member.refused("GET", "/groups?sort=backend")[0] == 400


# --- changing


def test_a_name_and_a_description_are_changed_in_any_status(as_member, default_type):
    group = GroupFactory(status="error", description="d")
    path = f"/groups/{group.pk}"
    answer = as_member("PUT", path, {"group": {"name": "", "description": None}})
    assert (answer.status_code, answer.content) == (202, b"")
    shown = as_member.ok("GET", path)["group"]
    assert (shown["name"], shown["description"]) == ("", "d")


@pytest.mark.parametrize(
    "members",
    [{}, {"name": None, "description": None}, {"add_volumes": None}, {"name": "x" * 256}, {"add_volumes": ["a"]},
     {"add_volumes": UNKNOWN}, {"add_volumes": "nothing"}, {"remove_volumes": UNKNOWN}, {"x": 1}],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(as_member, group, members):
    assert as_member.refused("PUT", f"/groups/{group.pk}", {"group": members})[0] == 400


def test_volumes_are_added_and_removed(as_member, group):
    kept, gone = member_of(group), member_of(group)
    added = [VolumeFactory(), VolumeFactory(status="in-use")]
    body = {"add_volumes": ",".join(str(one.pk) for one in added), "remove_volumes": str(gone.pk), "name": "new"}
    assert as_member("PUT", f"/groups/{group.pk}", {"group": body}).status_code == 202
    shown = as_member.ok("GET", f"/groups/{group.pk}?list_volume=true")["group"]
    assert set(shown["volumes"]) == {str(one.pk) for one in (kept, *added)}
    assert (shown["name"], shown["status"]) == ("new", "available")
    assert as_member.ok("GET", f"/volumes/{gone.pk}")["volume"]["group_id"] is None
    assert as_member.ok("GET", f"/volumes/{kept.pk}")["volume"]["group_id"] == str(group.pk)
    listed = as_member.ok("GET", f"/volumes/detail?group_id={group.pk}")["volumes"]
    assert {one["id"] for one in listed} == set(shown["volumes"])


@pytest.mark.parametrize(
    "fields",
    [{"status": "error"}, {"status": "extending"}, {"migration_status": "migrating"}, {"backend": "mem2"},
     {"project_id": "b" * 32}],
)  # fmt: skip
def test_a_volume_that_does_not_fit_is_not_added_and_nothing_changes(as_admin, group, fields):
    volume, fits = VolumeFactory(**fields), VolumeFactory()
    body = {"add_volumes": f"{fits.pk},{volume.pk}", "name": "new"}
    assert as_admin.refused("PUT", f"/groups/{group.pk}", {"group": body})[0] == 400
    assert not Volume.objects.filter(group=group).exists()
    assert Group.objects.get().name == group.name


def test_a_volume_of_another_type_or_of_another_group_is_not_added(as_member, group):
    for volume in (VolumeFactory(volume_type=VolumeTypeFactory()), member_of(GroupFactory())):
        assert as_member.refused("PUT", f"/groups/{group.pk}", {"group": {"add_volumes": str(volume.pk)}})[0] == 400


def test_a_volume_that_is_busy_or_no_member_is_not_removed(as_member, group):
    for volume in (member_of(group, status="extending"), VolumeFactory()):
        body = {"group": {"remove_volumes": str(volume.pk)}}
        assert as_member.refused("PUT", f"/groups/{group.pk}", body)[0] == 400


@pytest.mark.parametrize("status", ["creating", "error", "deleting"])
def test_volumes_change_only_while_the_group_is_available(as_member, default_type, status):
    group = GroupFactory(status=status)
    refusal = as_member.refused("PUT", f"/groups/{group.pk}", {"group": {"add_volumes": str(VolumeFactory().pk)}})
    assert refusal[0] == 400
    assert refusal[2].startswith("Invalid Group: ")


# --- volumes in a group


def test_a_volume_is_made_in_a_group_and_where_that_is(as_member, group, settings):
    living("mem1", "mem2")
    Group.objects.update(backend="mem2", pool="mem2")
    body = {"volume": {"size": 1, "volume_type": "__DEFAULT__", "group_id": str(group.pk)}}
    made = as_member.ok("POST", "/volumes", body, status=202)["volume"]
    assert made["group_id"] == str(group.pk)
    assert made["consistencygroup_id"] is None
    work()
    volume = Volume.objects.get()
    assert (volume.status, volume.backend) == ("available", "mem2")
    assert "group_id" not in as_member.ok("GET", f"/volumes/{volume.pk}", version="3.12")["volume"]


def test_a_volume_waits_for_a_group_that_is_being_placed(as_member, default_type):
    living("mem1")
    group = GroupFactory(status="creating", backend="", pool="")
    body = {"volume": {"size": 1, "volume_type": "__DEFAULT__", "group_id": str(group.pk)}}
    as_member.ok("POST", "/volumes", body, status=202)
    work()
    operation = Operation.objects.get()
    assert (operation.outcome, operation.fault_code) == ("", "backend-down")
    Group.objects.update(status="available", backend="mem1")
    Operation.objects.update(not_before=operation.created_at)
    work()
    assert Volume.objects.get().status == "available"


def test_the_zone_of_the_group_is_that_of_its_volumes(as_member, group, settings):
    settings.STORAGE_BACKENDS = {"mem1": {"driver": "memory", "zone": "west"}}
    Group.objects.update(availability_zone="west")
    body = {"volume": {"size": 1, "volume_type": "__DEFAULT__", "group_id": str(group.pk)}}
    assert as_member.ok("POST", "/volumes", body, status=202)["volume"]["availability_zone"] == "west"


def test_a_volume_of_a_group_needs_one_of_its_types_and_a_group_that_is_ready(as_member, as_stranger, group):
    def answer(calls=as_member, **members):
        return calls.refused("POST", "/volumes", {"volume": {"size": 1, "group_id": str(group.pk), **members}})[0]

    assert answer() == 400
    assert answer(volume_type=str(VolumeTypeFactory().pk)) == 400
    assert answer(volume_type="__DEFAULT__", group_id=UNKNOWN) == 404
    assert answer(volume_type="__DEFAULT__", group_id="nothing") == 404
    assert answer(volume_type="__DEFAULT__", consistencygroup_id=str(group.pk)) == 400
    assert answer(volume_type="__DEFAULT__", group_id=None, consistencygroup_id=str(group.pk)) == 404
    assert answer(as_stranger, volume_type="__DEFAULT__") == 404
    elsewhere = VolumeFactory(backend="mem2")
    assert answer(volume_type="__DEFAULT__", source_volid=str(elsewhere.pk)) == 400
    Group.objects.update(status="error")
    assert answer(volume_type="__DEFAULT__") == 400
    assert Volume.objects.get() == elsewhere


def test_a_volume_of_a_group_is_neither_deleted_nor_given_away_by_itself(as_member, as_admin, as_stranger, group):
    volume = member_of(group)
    text = "belong to a group"
    assert text in as_member.refused("DELETE", f"/volumes/{volume.pk}")[2]
    assert text in as_member.refused("DELETE", f"/volumes/{volume.pk}?cascade=true")[2]
    assert text in as_admin.refused("POST", f"/volumes/{volume.pk}/action", {"os-force_delete": {}})[2]
    offer = as_member.ok("POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}}, status=202)
    key = {"accept": {"auth_key": offer["transfer"]["auth_key"]}}
    assert as_stranger.refused("POST", f"/volume-transfers/{offer['transfer']['id']}/accept", key)[0] == 400


def test_types_that_groups_have_are_not_removed(as_admin, group):
    kind = VolumeTypeFactory()
    GroupFactory(volume_types=[kind])
    assert as_admin.refused("DELETE", f"/types/{kind.pk}")[::2] == (400, "Target volume type is still in use.")
    refusal = as_admin.refused("DELETE", f"/group_types/{group.group_type_id}")
    assert refusal[::2] == (400, "Target group type is still in use.")


# --- deleting


def test_a_group_without_volumes_goes_at_once(as_member, group):
    assert act(as_member, group, "delete").status_code == 202
    assert as_member.refused("GET", f"/groups/{group.pk}")[0] == 404


def test_a_group_goes_with_its_volumes_where_that_is_said(as_member, group):
    driver = backends.driver("mem1")
    volumes = [member_of(group), member_of(group, status="error"), member_of(group, status="error", backend="")]
    for volume in volumes[:2]:
        driver.create_volume(volume.ref(), Fence(1, 1))
    for value in ({}, {"delete-volumes": False}):
        assert refused(as_member, group, "delete", value)[0] == 400
    assert act(as_member, group, "delete", {"delete-volumes": True}).status_code == 202
    assert as_member.ok("GET", f"/groups/{group.pk}")["group"]["status"] == "deleting"
    assert {one.status for one in Volume.objects.all()} == {"deleting"}
    work()
    assert not Group.objects.exists()
    assert not Volume.objects.exists()
    assert list(driver.list_volumes()) == []


@pytest.mark.parametrize("reason", ["attached", "snapshot", "copied", "busy", "migrating"])
def test_a_group_stays_whole_while_one_of_its_volumes_cannot_go(as_member, group, reason):
    free, volume = member_of(group), member_of(group)
    if reason == "attached":
        AttachmentFactory(volume=volume)
    elif reason == "snapshot":
        SnapshotFactory(volume=volume)
    elif reason == "copied":
        VolumeFactory(status="creating", source_volume_id=volume.pk)
    else:
        Volume.objects.filter(pk=volume.pk).update(
            **({"status": "extending"} if reason == "busy" else {"migration_status": "migrating"})
        )
    code, _, message = refused(as_member, group, "delete", {"delete-volumes": True})
    assert (code, message[:15]) == (400, "Invalid volume:")
    free.refresh_from_db()
    assert free.status == "available"
    assert Group.objects.get(pk=group.pk).status == "available"


def test_a_group_with_snapshots_stays(as_member, group):
    GroupSnapshotFactory(group=group)
    expected = (400, "badRequest", "Invalid Group: Group has existing snapshots.")
    assert refused(as_member, group, "delete", {"delete-volumes": True}) == expected


@pytest.mark.parametrize("status", ["creating", "deleting", "updating"])
def test_a_group_that_is_busy_stays(as_member, default_type, status):
    group = GroupFactory(status=status)
    code, _, message = refused(as_member, group, "delete")
    assert (code, message[:14]) == (400, "Invalid Group:")


@pytest.mark.parametrize(
    "value", [{"delete-volumes": "maybe"}, {"delete-volumes": 1}, {"force": True}, [], "x", {"delete_volumes": True}]
)
def test_a_deletion_of_another_shape_is_refused(as_member, group, value):
    assert refused(as_member, group, "delete", value)[0] == 400


# --- by name


def test_an_administrator_sets_the_record_straight(as_member, as_admin, group):
    assert refused(as_member, group, "reset_status", {"status": "error"})[0] == 403
    assert act(as_admin, group, "reset_status", {"status": "error"}).status_code == 202
    assert as_member.ok("GET", f"/groups/{group.pk}")["group"]["status"] == "error"
    for value in ({}, {"status": "lost"}, {"status": None}, {"status": "error", "x": 1}):
        assert refused(as_admin, group, "reset_status", value)[0] == 400
    assert refused(as_admin, group, "reset_status", {"status": "available"}, version="3.19")[0] == 404


def test_a_reset_ends_a_deletion_that_was_under_way(as_member, as_admin, group):
    volume = member_of(group)
    act(as_member, group, "delete", {"delete-volumes": True})
    assert act(as_admin, group, "reset_status", {"status": "available"}).status_code == 202
    volume.refresh_from_db()
    assert (volume.status, Operation.objects.get().outcome) == ("error_deleting", "cancelled")
    assert act(as_member, group, "delete", {"delete-volumes": True}).status_code == 202
    work()
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    ("action", "value"),
    [("enable_replication", {}), ("disable_replication", {}), ("failover_replication", {}),
     ("failover_replication", {"allow_attached_volume": True, "secondary_backend_id": None})],
)  # fmt: skip
def test_no_back_end_replicates(as_member, group, action, value):
    assert refused(as_member, group, action, value)[0] == 400
    assert refused(as_member, group, action, value, version="3.37")[0] == 404
    assert refused(as_member, group, action, {"x": 1})[0] == 400
    shown = as_member.ok("POST", f"/groups/{group.pk}/action", {"list_replication_targets": {}})
    assert shown == {"replication_targets": []}


def test_an_action_that_is_none_is_refused(as_member, group):
    assert "There is no such action" in refused(as_member, group, "explode")[2]
