"""`openstack`, groups of volumes, and volumes that move: what is typed, and what is seen (contract 09 section 4)."""

import pytest

from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def kind(admin):
    made = admin.openstack("volume group type create", "--description", "for tests", "osc-together")["ID"]
    admin.try_openstack("volume group type set", "--property", "consistent_group_snapshot_enabled=<is> True", made)
    yield made
    admin.silent("volume group type delete", made)


def test_a_group_is_made_filled_kept_and_deleted(admin, demo, kind):
    assert admin.openstack("volume group type show", kind)["Name"] == "osc-together"
    assert kind in {row["ID"] for row in admin.openstack("volume group type list")}
    made = demo.openstack(
        "volume group create", "--volume-group-type", kind, "--volume-type", "__DEFAULT__", "--name", "osc-pair"
    )
    group = made["ID"]
    demo.until("group-show", group, status="available")
    volume = demo.create("osc-in-pair", "--volume-type", "__DEFAULT__", "--group-id", group)
    assert group in {row["ID"] for row in demo.openstack("volume group list")}
    demo.try_openstack("volume group set", "--name", "osc-couple", group)
    assert demo.openstack("volume group show", "--volumes", group)["Name"] == "osc-couple"
    demo.try_openstack("volume group remove volume", group, volume)
    demo.until("group-show", group, status="available")
    demo.try_openstack("volume group add volume", group, volume)
    demo.until("group-show", group, status="available")
    kept = demo.openstack("volume group snapshot create", "--name", "osc-moment", group)["ID"]
    demo.until("group-snapshot-show", kept, status="available")
    assert kept in {row["ID"] for row in demo.openstack("volume group snapshot list")}
    assert demo.openstack("volume group snapshot show", kept)["Status"] == "available"
    assert admin.try_openstack("volume group failover", group).code == 1
    demo.silent("volume group snapshot delete", kept)
    demo.gone("group-snapshot-show", kept)
    demo.silent("volume group delete", "--force", group)
    demo.gone("group-show", group)
    demo.gone("show", volume)


def test_the_older_consistency_groups(demo):
    group = demo.openstack("consistency group create", "--volume-type", "__DEFAULT__", "osc-older")["id"]
    demo.until("consisgroup-show", group, status="available")
    volume = demo.create("osc-in-older", "--volume-type", "__DEFAULT__", "--consisgroup-id", group)
    assert group in {row["ID"] for row in demo.openstack("consistency group list")}
    demo.silent("consistency group set", "--name", "osc-old", group)
    assert demo.openstack("consistency group show", group)["name"] == "osc-old"
    kept = demo.openstack("consistency group snapshot create", "--consistency-group", group, "osc-then")["id"]
    assert demo.openstack("consistency group snapshot show", kept)["consistencygroup_id"] == group
    assert demo.openstack("consistency group snapshot list") == []  # the SDK compares each status with none
    demo.until("cgsnapshot-show", kept, status="available")
    demo.silent("consistency group snapshot delete", kept)
    demo.gone("cgsnapshot-show", kept)
    # The SDK writes the group's name for itself where the API's is wanted.
    assert "consistencygroup" in demo.openstack_refuses("consistency group delete", "--force", group)
    demo.cinder("consisgroup-delete", "--force", group)
    demo.gone("consisgroup-show", group)
    demo.gone("show", volume)


def test_a_volume_moves_to_another_back_end(admin, demo):
    volume = demo.create("osc-mover")
    hosts = {"celinder@local#local", "celinder@other#other"}
    (target,) = hosts - {admin.openstack("volume show", volume)["os-vol-host-attr:host"]}
    admin.silent("volume migrate", "--host", target, volume)
    until(lambda: host_of(admin, volume) == target, "the volume has moved", 60)
    demo.until("show", volume, status="available")
    backend = "other" if "local" in target else "local"
    kind = admin.openstack("volume type create", "--property", f"volume_backend_name={backend}", "osc-elsewhere")["id"]
    demo.silent("volume set", "--type", kind, "--migration-policy", "on-demand", volume)
    until(lambda: host_of(admin, volume) != target, "the volume has moved back", 60)
    assert demo.until("show", volume, status="available")["volume_type"] == "osc-elsewhere"
    demo.delete(volume)
    admin.silent("volume type delete", kind)


def host_of(admin, volume: str) -> str:
    return admin.client.volumes.get(volume).to_dict()["os-vol-host-attr:host"]
