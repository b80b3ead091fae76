"""`cinder`, groups of volumes, and volumes that move: what is typed, and what is seen (contract 09 section 3)."""

import pytest

from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

OF_GROUPS = "<is> True"


@pytest.fixture(scope="module")
def kind(admin):
    """Make a type of groups that are kept at one moment."""
    made = admin.cinder("group-type-create", "--description", "for tests", "together").rows[0]["ID"]
    admin.cinder("group-type-key", made, "set", f"consistent_group_snapshot_enabled={OF_GROUPS}")
    yield made
    admin.cinder("group-type-delete", made)


def test_types_of_groups_are_made_changed_listed_and_deleted(admin, demo, kind):
    made = admin.cinder("group-type-create", "--is-public", "False", "loose").rows[0]["ID"]
    admin.cinder("group-type-update", "--name", "looser", "--description", "told", made)
    assert admin.cinder("group-type-show", made).shown["name"] == "looser"
    admin.cinder("group-type-key", made, "set", "a=1")
    assert "'a': '1'" in {row["ID"]: row["group_specs"] for row in admin.cinder("group-specs-list").rows}[made]
    admin.cinder("group-type-key", made, "unset", "a")
    assert kind in {row["ID"] for row in demo.cinder("group-type-list").rows}
    assert made not in {row["ID"] for row in demo.cinder("group-type-list").rows}
    assert demo.try_cinder("group-type-default").code == 1  # none is configured
    assert "Policy doesn't allow" in demo.refused("group-type-create", "mine")
    admin.cinder("group-type-delete", made)


def test_a_group_is_made_filled_kept_copied_and_deleted(admin, demo, kind):
    group = demo.cinder("group-create", "--name", "pair", "--description", "two", kind, "__DEFAULT__").shown["id"]
    demo.until("group-show", group, status="available")
    volume = demo.cinder("create", "--group-id", group, "--volume-type", "__DEFAULT__", "--name", "in-pair", "1").shown[
        "id"
    ]
    demo.until("show", volume, status="available")
    assert group in {row["ID"] for row in demo.cinder("group-list").rows}
    assert [row["ID"] for row in demo.cinder("list", "--group_id", group).rows] == [volume]
    assert volume in demo.cinder("group-show", "--list-volume", "True", group).out
    demo.cinder("group-update", "--name", "couple", "--remove-volumes", volume, group)
    demo.until("group-show", group, status="available")
    demo.cinder("group-update", "--add-volumes", volume, group)
    demo.until("group-show", group, status="available")
    assert demo.cinder("group-show", group).shown["name"] == "couple"
    kept = demo.cinder("group-snapshot-create", "--name", "moment", group).shown["id"]
    demo.until("group-snapshot-show", kept, status="available")
    assert kept in {row["ID"] for row in demo.cinder("group-snapshot-list", "--group-id", group).rows}
    copy = demo.cinder("group-create-from-src", "--group-snapshot", kept, "--name", "copy").shown["id"]
    demo.until("group-show", copy, status="available")
    admin.cinder("reset-state", "--type", "group-snapshot", "--state", "available", kept)
    admin.cinder("reset-state", "--type", "group", "--state", "available", group)
    for words in ("group-enable-replication", "group-disable-replication", "group-failover-replication"):
        assert admin.try_cinder(words, group).code == 1
    assert admin.cinder("group-list-replication-targets", group).rows == []
    assert "Unable to delete any of the specified groups." in demo.refused("group-delete", group)
    demo.cinder("group-snapshot-delete", kept)
    demo.gone("group-snapshot-show", kept)
    demo.cinder("group-delete", "--delete-volumes", group, copy)
    demo.gone("group-show", group)
    demo.gone("group-show", copy)
    demo.gone("show", volume)


def test_the_older_consistency_groups(demo, stranger):
    group = demo.cinder("consisgroup-create", "--name", "older", "__DEFAULT__").shown["id"]
    demo.until("consisgroup-show", group, status="available")
    volume = demo.create("in-older", "--consisgroup-id", group, "--volume-type", "__DEFAULT__")
    demo.cinder("consisgroup-update", "--name", "old", group)
    assert group in {row["ID"] for row in demo.cinder("consisgroup-list").rows}
    kept = demo.cinder("cgsnapshot-create", "--name", "then", group).shown["id"]
    demo.until("cgsnapshot-show", kept, status="available")
    assert kept in {row["ID"] for row in demo.cinder("cgsnapshot-list").rows}
    copy = demo.cinder("consisgroup-create-from-src", "--cgsnapshot", kept, "--name", "again").shown["id"]
    demo.until("consisgroup-show", copy, status="available")
    assert "exists." in stranger.refused("consisgroup-show", group)
    demo.cinder("cgsnapshot-delete", kept)
    demo.gone("cgsnapshot-show", kept)
    demo.cinder("consisgroup-delete", "--force", group, copy)
    demo.gone("consisgroup-show", group)
    demo.gone("consisgroup-show", copy)
    demo.gone("show", volume)


def test_a_volume_gets_another_type_and_moves_to_another_back_end(admin, demo):
    kinds = {}
    for backend in ("local", "other"):
        kinds[backend] = admin.cinder("type-create", f"on-{backend}").rows[0]["ID"]
        admin.cinder("type-key", kinds[backend], "set", f"volume_backend_name={backend}")
    volume = demo.create("mover", "--volume-type", "on-local")
    assert demo.try_cinder("retype", volume, "none-such").code == 1
    demo.cinder("retype", "--migration-policy", "on-demand", volume, "on-other")
    demo.until("show", volume, status="available")
    shown = admin.cinder("show", volume).shown
    assert (shown["volume_type"], shown["os-vol-host-attr:host"]) == ("on-other", "celinder@other#other")
    demo.delete(volume)
    admin.cinder("type-delete", *kinds.values())


def test_an_administrator_has_a_volume_move(admin, demo):
    volume = demo.create("migrant")
    hosts = {"celinder@local#local", "celinder@other#other"}
    (target,) = hosts - {admin.cinder("show", volume).shown["os-vol-host-attr:host"]}
    assert "Policy doesn't allow" in demo.try_cinder("migrate", volume, target).out
    assert "failed" in admin.try_cinder("migrate", volume, "celinder@nowhere#none").out
    assert "has been accepted" in admin.cinder("migrate", volume, target).out
    until(lambda: _host(admin, volume) == target, "the volume has moved", 60)
    demo.until("show", volume, status="available")
    demo.delete(volume)


def _host(admin, volume: str) -> str:
    return admin.client.volumes.get(volume).to_dict()["os-vol-host-attr:host"]
