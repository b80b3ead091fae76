"""Contract 02, sections 7 and 8: changing the type of a volume, and moving it to another back-end, as clients ask."""

import uuid

import pytest
from test_volume_actions import act, refused, status_of

from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation, Service
from tests.factories import (
    AttachmentFactory,
    GroupFactory,
    QosSpecsFactory,
    SnapshotFactory,
    VolumeFactory,
    VolumeTypeFactory,
)
from volumes.models import EncryptionType, Quota, Volume

ELSEWHERE = "celinder@mem2#mem2"
NOT_RETYPABLE = "Invalid volume: Retype needs volume to be in available or in-use state, not be part of"


@pytest.fixture
def elsewhere(db):
    beat("volume-mem1")
    beat("volume-mem2")
    return ELSEWHERE


def retype(calls, volume, volume_type, **more):
    return refused(calls, volume, "os-retype", {"new_type": volume_type.name, **more})


# --- another type -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named_by", ["name", "id"])
@pytest.mark.parametrize("status", ["available", "in-use"])
def test_a_volume_that_changes_its_type_is_retyping_and_counts_for_both_types(as_member, as_admin, named_by, status):
    volume, wanted = VolumeFactory(status=status, size_gib=3), VolumeTypeFactory(name="fast")
    AttachmentFactory(volume=volume, status="attached")
    assert act(as_member, volume, "os-retype", {"new_type": str(getattr(wanted, named_by))}).status_code == 202
    assert status_of(volume) == "retyping"
    operation = Operation.objects.get(verb="retype")
    assert (operation.queue, operation.arguments["may_move"]) == ("scheduler", False)
    used = as_admin.ok("GET", f"/os-quota-sets/{volume.project_id}?usage=true")["quota_set"]
    assert [used[f"gigabytes_{name}"]["in_use"] for name in ("__DEFAULT__", "fast")] == [3, 3]
    assert [used[name]["in_use"] for name in ("volumes", "volumes_fast", "gigabytes")] == [1, 1, 3]


@pytest.mark.parametrize("policy", ["never", "on-demand"])
def test_whether_the_volume_may_be_moved_is_what_the_policy_says(as_member, policy):
    volume, wanted = VolumeFactory(), VolumeTypeFactory()
    assert act(as_member, volume, "os-retype", {"new_type": wanted.name, "migration_policy": policy}).status_code == 202
    assert Operation.objects.get().arguments["may_move"] is (policy == "on-demand")


@pytest.mark.parametrize(
    "value",
    [None, {}, {"new_type": None}, {"new_type": ""}, {"new_type": 1}, {"new_type": "t", "x": 1}]
    + [{"new_type": "t", "migration_policy": policy} for policy in (None, "always", "", 1)],
)
def test_a_change_of_type_that_is_not_well_formed_is_refused(as_member, value):
    VolumeTypeFactory(name="t")
    volume = VolumeFactory()
    assert as_member.refused("POST", f"/volumes/{volume.pk}/action", {"os-retype": value})[:2] == (400, "badRequest")
    assert status_of(volume) == "available"


def test_an_unknown_type_and_one_of_others_are_not_found(as_member):
    hidden = VolumeTypeFactory(is_public=False)
    for name in ("nope", str(uuid.uuid4()), hidden.name):
        code, _, text = refused(as_member, VolumeFactory(), "os-retype", {"new_type": name})
        assert (code, text) == (404, f"Volume type {name} could not be found.")


@pytest.mark.parametrize(
    "status", ["creating", "error", "reserved", "attaching", "detaching", "maintenance", "extending", "retyping"]
)
def test_a_volume_in_another_status_does_not_change_its_type(as_member, status):
    code, _, text = retype(as_member, VolumeFactory(status=status), VolumeTypeFactory())
    assert (code, text[: len(NOT_RETYPABLE)]) == (400, NOT_RETYPABLE)


@pytest.mark.parametrize("migration_status", ["starting", "migrating", "completing"])
def test_a_volume_that_is_being_migrated_does_not_change_its_type(as_member, migration_status):
    code, _, text = retype(as_member, VolumeFactory(migration_status=migration_status), VolumeTypeFactory())
    assert (code, text[: len(NOT_RETYPABLE)]) == (400, NOT_RETYPABLE)


def test_the_new_type_has_to_be_another_one(as_member):
    volume = VolumeFactory()
    code, _, text = retype(as_member, volume, volume.volume_type)
    assert (code, text[: len(NOT_RETYPABLE)]) == (400, NOT_RETYPABLE)


@pytest.mark.parametrize(("status", "code"), [("available", 202), ("in-use", 400)])
@pytest.mark.parametrize("consumer", ["front-end", "both"])
def test_what_a_host_limits_may_change_only_while_no_host_uses_the_volume(as_member, status, code, consumer):
    wanted = VolumeTypeFactory(qos_specs=QosSpecsFactory(consumer=consumer, specs={"total_iops_sec": "100"}))
    answer = act(as_member, VolumeFactory(status=status), "os-retype", {"new_type": wanted.name})
    assert answer.status_code == code


def test_what_a_back_end_limits_may_change_while_a_host_uses_the_volume(as_member):
    wanted = VolumeTypeFactory(qos_specs=QosSpecsFactory(consumer="back-end"))
    answer = act(as_member, VolumeFactory(status="in-use"), "os-retype", {"new_type": wanted.name})
    assert answer.status_code == 202


@pytest.mark.parametrize(("status", "code"), [("available", 202), ("in-use", 400)])
def test_attaching_several_times_may_be_allowed_only_while_no_host_uses_the_volume(as_member, status, code):
    wanted = VolumeTypeFactory(extra_specs={"multiattach": "<is> True"})
    answer = act(as_member, VolumeFactory(status=status), "os-retype", {"new_type": wanted.name})
    assert answer.status_code == code


def test_a_type_that_is_encrypted_is_refused(as_member):
    wanted = VolumeTypeFactory()
    EncryptionType.objects.create(volume_type=wanted, provider="luks", control_location="front-end")
    assert retype(as_member, VolumeFactory(), wanted)[0] == 400


@pytest.mark.parametrize("spec", ["provisioning:min_vol_size", "provisioning:max_vol_size"])
def test_a_type_that_does_not_allow_the_size_is_refused(as_member, spec):
    wanted = VolumeTypeFactory(extra_specs={spec: "5"})
    volume = VolumeFactory(size_gib=1 if "min" in spec else 6)
    code, _, text = retype(as_member, volume, wanted)
    assert code == 400
    assert wanted.name in text


def test_a_type_that_is_not_in_the_zone_of_the_volume_is_refused(as_member):
    wanted = VolumeTypeFactory(extra_specs={"RESKEY:availability_zones": "moon, mars"})
    assert retype(as_member, VolumeFactory(), wanted)[0] == 400


@pytest.mark.parametrize(("resource", "prefix"), [("volumes", "VolumeLimit"), ("gigabytes", "VolumeSizeExceedsAvail")])
def test_the_quotas_of_the_new_type_hold(as_member, resource, prefix):
    volume, wanted = VolumeFactory(size_gib=2), VolumeTypeFactory(name="fast")
    VolumeFactory(volume_type=wanted, size_gib=1)
    limit = 1 if resource == "volumes" else 2
    Quota.objects.create(project_id=volume.project_id, resource=f"{resource}_fast", limit=limit)
    code, name, text = retype(as_member, volume, wanted)
    assert (code, name, text[: len(prefix)]) == (413, "overLimit", prefix)
    assert status_of(volume) == "available"


def test_the_quotas_of_all_types_together_do_not_matter(as_member):
    volume, wanted = VolumeFactory(size_gib=2), VolumeTypeFactory(name="fast")
    for resource in ("volumes", "gigabytes"):
        Quota.objects.create(project_id=volume.project_id, resource=resource, limit=0)
    assert act(as_member, volume, "os-retype", {"new_type": "fast"}).status_code == 202
    assert wanted.retyping_volumes.count() == 1


def test_a_type_that_a_volume_is_changing_to_is_in_use(as_member, as_admin):
    volume, wanted = VolumeFactory(), VolumeTypeFactory()
    act(as_member, volume, "os-retype", {"new_type": wanted.name})
    assert as_admin.refused("DELETE", f"/types/{wanted.pk}")[0] == 400


# --- another back-end ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_locked", "status"), [(False, "available"), (True, "maintenance")])
def test_a_migration_is_starting_and_keeps_the_status_unless_the_volume_is_locked(
    as_admin, elsewhere, is_locked, status
):
    volume = VolumeFactory()
    value = {"host": elsewhere, "force_host_copy": True, "lock_volume": is_locked}
    assert act(as_admin, volume, "os-migrate_volume", value).status_code == 202
    shown = as_admin.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert (shown["status"], shown["migration_status"]) == (status, "starting")
    assert shown["os-vol-mig-status-attr:migstat"] == "starting"
    assert shown["os-vol-host-attr:host"] == "celinder@mem1#mem1"
    operation = Operation.objects.get()
    assert (operation.queue, operation.arguments["backend"]) == ("scheduler", "mem2")


def test_migrating_is_for_administrators(as_member, elsewhere):
    for name, value in (
        ("os-migrate_volume", {"host": elsewhere}),
        ("os-migrate_volume_completion", {"new_volume": str(uuid.uuid4())}),
    ):
        code, _, text = refused(as_member, VolumeFactory(), name, value)
        assert (code, name.removeprefix("os-") in text) == (403, True)


@pytest.mark.parametrize("value", [{}, {"host": None}, {"host": ELSEWHERE, "cluster": "celinder@mem2"}, {"host": ""}])
def test_exactly_one_place_has_to_be_named(as_admin, elsewhere, value):
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume", value) == (
        400,
        "badRequest",
        "One and only one of cluster and host must be set.",
    )


@pytest.mark.parametrize(
    "value", [{"host": ELSEWHERE, "lock_volume": "x"}, {"host": ELSEWHERE, "y": 1}, {"host": 1}, {"host": "a b"}]
)
def test_a_migration_that_is_not_well_formed_is_refused(as_admin, elsewhere, value):
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume", value)[0] == 400


def test_a_cluster_can_be_named_from_316_on(as_admin, elsewhere):
    path, body = f"/volumes/{VolumeFactory().pk}/action", {"os-migrate_volume": {"cluster": ELSEWHERE}}
    assert as_admin.refused("POST", path, body, version="3.15")[0] == 400
    as_admin.ok("POST", path, body, version="3.16", status=202)


@pytest.mark.parametrize("host", ["nowhere@mem2#mem2", "celinder@nope#nope", "celinder"])
def test_a_host_that_does_not_exist_is_refused(as_admin, elsewhere, host):
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume", {"host": host}) == (
        400,
        "badRequest",
        f"Invalid host: No available service named '{host}'",
    )


def test_a_host_that_is_down_is_refused(as_admin, elsewhere):
    Service.objects.update(last_seen_at="2020-01-01T00:00:00Z")
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume", {"host": elsewhere})[0] == 400


@pytest.mark.parametrize("host", ["celinder@mem1#mem1", "celinder@mem1"])
def test_the_host_where_the_volume_is_is_refused(as_admin, elsewhere, host):
    code, _, text = refused(as_admin, VolumeFactory(), "os-migrate_volume", {"host": host})
    assert (code, text.partition(":")[0]) == (400, "Invalid host")


@pytest.mark.parametrize("status", ["creating", "error", "maintenance", "extending", "retyping", "reserved"])
def test_a_volume_in_another_status_is_not_migrated(as_admin, elsewhere, status):
    assert refused(as_admin, VolumeFactory(status=status), "os-migrate_volume", {"host": elsewhere})[0] == 400


def test_a_volume_that_is_being_migrated_is_not_migrated_again(as_admin, elsewhere):
    volume = VolumeFactory(migration_status="migrating")
    assert refused(as_admin, volume, "os-migrate_volume", {"host": elsewhere})[0] == 400


@pytest.mark.parametrize("ended", ["success", "error"])
def test_a_volume_whose_migration_has_ended_is_migrated_again(as_admin, elsewhere, ended):
    volume = VolumeFactory(migration_status=ended)
    assert act(as_admin, volume, "os-migrate_volume", {"host": elsewhere}).status_code == 202


def test_a_volume_with_snapshots_is_not_migrated(as_admin, elsewhere):
    volume = SnapshotFactory().volume
    code, _, text = refused(as_admin, volume, "os-migrate_volume", {"host": elsewhere})
    assert (code, "it has snapshots" in text) == (400, True)


def test_a_volume_that_is_used_is_not_migrated_and_why_is_said(as_admin, elsewhere):
    volume = AttachmentFactory(volume=VolumeFactory(status="in-use"), status="attached").volume
    code, _, text = refused(as_admin, volume, "os-migrate_volume", {"host": elsewhere})
    assert (code, "detach it first" in text) == (400, True)


def test_a_volume_that_another_one_is_being_made_from_is_not_migrated(as_admin, elsewhere):
    volume = VolumeFactory()
    VolumeFactory(status="creating", source_volume_id=volume.pk)
    assert refused(as_admin, volume, "os-migrate_volume", {"host": elsewhere})[0] == 400


# --- while it is moved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("os-reserve", {}),
        ("os-attach", {"mountpoint": "/dev/vdb", "host_name": "h"}),
        ("os-initialize_connection", {"connector": {"host": "h"}}),
        ("os-extend", {"new_size": 5}),
        ("os-force_delete", {}),
        ("revert", {"snapshot_id": str(uuid.uuid4())}),
    ],
)
def test_a_volume_that_is_being_moved_is_not_used_or_changed(as_admin, action, value):
    volume = VolumeFactory(migration_status="migrating")
    assert refused(as_admin, volume, action, value)[0] == 400
    assert status_of(volume) == "available"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/attachments", {"attachment": {"volume_uuid": "{}", "instance_uuid": str(uuid.uuid4())}}),
        ("/snapshots", {"snapshot": {"volume_id": "{}"}}),
        ("/backups", {"backup": {"volume_id": "{}"}}),
        ("/volume-transfers", {"transfer": {"volume_id": "{}"}}),
        ("/volumes", {"volume": {"source_volid": "{}"}}),
    ],
)
def test_nothing_is_made_of_a_volume_that_is_being_moved(as_member, path, body):
    volume = VolumeFactory(migration_status="migrating")
    noun, values = next(iter(body.items()))
    values = {name: value.format(volume.pk) if value == "{}" else value for name, value in values.items()}
    assert as_member.refused("POST", path, {noun: values})[0] == 400
    assert status_of(volume) == "available"


def test_what_stands_in_for_a_volume_is_for_administrators(as_member, as_admin):
    stand_in = VolumeFactory(status="maintenance", migration_status=f"target:{uuid.uuid4()}", consumes_quota=False)
    left = VolumeFactory(status="error_deleting", migration_status="deleting", consumes_quota=False)
    for row in (stand_in, left):
        assert as_member.refused("GET", f"/volumes/{row.pk}")[0] == 404
        as_admin.ok("GET", f"/volumes/{row.pk}")
    assert as_member.ok("GET", "/volumes")["volumes"] == []
    assert len(as_admin.ok("GET", "/volumes")["volumes"]) == 2
    assert as_member.ok("GET", "/volumes/summary")["volume-summary"]["total_count"] == 0
    act(as_admin, left, "os-force_delete")
    assert status_of(left) == "deleting"


def test_what_stands_in_is_not_reset_but_with_the_volume_that_it_stands_in_for(as_admin):
    stand_in = VolumeFactory(status="maintenance", migration_status=f"target:{uuid.uuid4()}")
    for value in ({"migration_status": "none"}, {"status": "available"}, {"attach_status": "detached"}):
        assert refused(as_admin, stand_in, "os-reset_status", value)[0] == 400


def test_resetting_the_migration_status_calls_the_migration_off(as_admin, elsewhere):
    volume = VolumeFactory()
    act(as_admin, volume, "os-migrate_volume", {"host": elsewhere, "lock_volume": True})
    assert act(as_admin, volume, "os-reset_status", {"migration_status": "none"}).status_code == 202
    assert status_of(volume) == "available"
    assert (volume.migration_status, Operation.objects.get().outcome) == (None, "cancelled")


# --- what another service has copied --------------------------------------------------------------------------------


def test_a_migration_is_completed_by_the_service_itself(as_admin, elsewhere):
    volume = VolumeFactory(migration_status="migrating")
    new = VolumeFactory(migration_status=f"target:{volume.pk}")
    answer = act(as_admin, volume, "os-migrate_volume_completion", {"new_volume": str(new.pk)})
    assert (answer.status_code, answer.json()) == (200, {"save_volume_id": str(volume.pk)})


def test_a_migration_that_is_said_to_have_failed_is_called_off(as_admin, elsewhere):
    volume = VolumeFactory()
    act(as_admin, volume, "os-migrate_volume", {"host": elsewhere})
    new = VolumeFactory(migration_status=f"target:{volume.pk}", backend="mem2")
    value = {"new_volume": str(new.pk), "error": True}
    assert act(as_admin, volume, "os-migrate_volume_completion", value).status_code == 200
    volume.refresh_from_db()
    assert volume.migration_status == "error"
    assert Volume.objects.get(pk=new.pk).status == "deleting"


def test_of_two_volumes_that_a_compute_service_has_exchanged_the_new_one_stays(as_admin):
    volume, new = VolumeFactory(), VolumeFactory()
    answer = act(as_admin, volume, "os-migrate_volume_completion", {"new_volume": str(new.pk)})
    assert (answer.status_code, answer.json()) == (200, {"save_volume_id": str(new.pk)})


@pytest.mark.parametrize(("old", "new"), [("migrating", None), (None, "migrating"), ("migrating", "target:x")])
def test_volumes_that_do_not_belong_together_are_not_completed(as_admin, old, new):
    volume, other = VolumeFactory(migration_status=old), VolumeFactory(migration_status=new)
    value = {"new_volume": str(other.pk)}
    assert refused(as_admin, volume, "os-migrate_volume_completion", value)[0] == 400


def test_the_new_volume_has_to_exist(as_admin):
    value = {"new_volume": str(uuid.uuid4())}
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume_completion", value)[0] == 404
    assert refused(as_admin, VolumeFactory(), "os-migrate_volume_completion", {"new_volume": "x"})[0] == 400


def test_a_volume_of_a_group_keeps_its_type_and_its_back_end(as_admin, elsewhere):
    volume = VolumeFactory(group=GroupFactory())
    assert retype(as_admin, volume, VolumeTypeFactory())[0] == 400
    code, _, text = refused(as_admin, volume, "os-migrate_volume", {"host": elsewhere})
    assert (code, "it belongs to a group" in text) == (400, True)
