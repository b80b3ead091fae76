"""`cinder`, snapshots, attachments and transfers: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

SERVER = "11111111-2222-4333-8444-555555555555"
HOST = ("--host", "compute1", "--ip", "127.0.0.1", "--initiator", "iqn.1994-05.org.example:compute1")


@pytest.fixture(scope="module")
def volume(demo):
    made = demo.create("parent")
    yield made
    demo.delete(made)


def test_a_snapshot_is_made_listed_renamed_and_deleted(demo, volume):
    made = demo.cinder("snapshot-create", "--name", "one", "--description", "first", "--metadata", "a=b", volume).shown
    assert (made["name"], made["status"], made["volume_id"], made["size"]) == ("one", "creating", volume, "1")
    demo.until("snapshot-show", made["id"], status="available")
    listed = demo.cinder("snapshot-list")
    assert listed.headings == ["ID", "Volume ID", "Status", "Name", "Size", "Consumes Quota", "User ID"]
    for words in (("--name", "one"), ("--status", "available"), ("--volume-id", volume), ("--metadata", "a=b")):
        assert [row["ID"] for row in demo.cinder("snapshot-list", *words).rows] == [made["id"]], words
    assert demo.cinder("snapshot-list", "--limit", "1", "--sort", "name:asc", "--with-count").rows
    demo.cinder("snapshot-rename", "--description", "second", made["id"], "two")
    shown = demo.cinder("snapshot-show", "two").shown
    assert (shown["id"], shown["description"]) == (made["id"], "second")
    demo.cinder("snapshot-delete", "two")
    demo.gone("snapshot-show", made["id"])


def test_metadata_of_a_snapshot_is_set_unset_and_replaced(demo, volume):
    made = demo.snapshot(volume, "--name", "described")
    demo.cinder("snapshot-metadata", made, "set", "a=1", "b=2")
    demo.cinder("snapshot-metadata", made, "unset", "a")
    assert demo.cinder("snapshot-metadata-show", made).shown.get("b") == "2"
    demo.cinder("snapshot-metadata-update-all", made, "c=3")
    assert {"b", "c"} & demo.cinder("snapshot-metadata-show", made).shown.keys() == {"c"}
    demo.cinder("snapshot-delete", made)
    demo.gone("snapshot-show", made)


def test_an_administrator_resets_a_snapshot_and_deletes_it_by_force(admin, demo, volume):
    made = demo.snapshot(volume, "--name", "stuck")
    admin.cinder("snapshot-reset-state", "--state", "creating", made)
    assert demo.cinder("snapshot-show", made).shown["status"] == "creating"
    assert "Unable to delete any of the specified snapshots." in demo.refused("snapshot-delete", made)
    admin.cinder("reset-state", "--type", "snapshot", "--state", "error", made)
    assert demo.cinder("snapshot-show", made).shown["status"] == "error"
    assert made in {row["ID"] for row in admin.cinder("snapshot-list", "--all-tenants").rows}
    admin.cinder("snapshot-delete", "--force", made)
    demo.gone("snapshot-show", made)


def test_a_volume_goes_back_to_its_last_snapshot_and_a_new_one_is_made_of_it(demo, volume):
    made = demo.snapshot(volume, "--name", "back")
    demo.cinder("revert-to-snapshot", made)
    demo.until("show", volume, status="available")
    copy = demo.create("of-snapshot", "--snapshot-id", made)
    assert demo.cinder("show", copy).shown["snapshot_id"] == made
    assert "No snapshot with a name or ID of 'none-such' exists." in demo.refused("snapshot-show", "none-such")
    assert "Unable to delete any of the specified volumes." in demo.refused("delete", volume)
    demo.delete(copy)
    demo.cinder("snapshot-delete", made)
    demo.gone("snapshot-show", made)


def test_strangers_see_no_snapshot(demo, stranger, volume):
    made = demo.snapshot(volume, "--name", "hidden")
    assert made not in {row["ID"] for row in stranger.cinder("snapshot-list", "--all-tenants").rows}
    for words in (("snapshot-show", made), ("snapshot-rename", made, "mine"), ("snapshot-metadata-show", made)):
        assert "exists." in stranger.refused(*words)
    demo.cinder("snapshot-delete", made)
    demo.gone("snapshot-show", made)


def test_an_attachment_goes_its_way_as_nova_would_take_it(demo, stranger, volume):
    made = demo.cinder("attachment-create", volume, SERVER).shown
    assert (made["status"], made["volume_id"], made["instance"]) == ("reserved", volume, SERVER)
    assert demo.cinder("show", volume).shown["status"] == "reserved"
    connected = demo.cinder("attachment-update", *HOST, "--mountpoint", "/dev/vdb", made["id"])
    assert connected.shown["driver_volume_type"] == "nbd"
    assert demo.cinder("attachment-show", made["id"]).shown["status"] == "attaching"
    demo.cinder("attachment-complete", made["id"])
    assert demo.cinder("attachment-show", made["id"]).shown["status"] == "attached"
    shown = demo.cinder("show", volume).shown
    assert shown["status"] == "in-use"
    assert made["id"] in shown["attachment_ids"]
    listed = demo.cinder("attachment-list", "--volume-id", volume)
    assert listed.headings == ["ID", "Volume ID", "Status", "Server ID"]
    assert [row["ID"] for row in listed.rows] == [made["id"]]
    assert demo.cinder("attachment-list", "--status", "attached", "--limit", "1").rows
    assert SERVER in demo.cinder("list", "--name", "parent").rows[0]["Attached to"]
    assert "No attachment" in stranger.refused("attachment-show", made["id"]) or stranger.refused(
        "attachment-delete", made["id"]
    )
    assert "status must be available or error" in demo.try_cinder("delete", volume).out
    assert demo.try_cinder("attachment-create", volume, "22222222-2222-4333-8444-555555555555").code == 1
    demo.cinder("attachment-delete", made["id"])
    demo.until("show", volume, status="available")


def test_an_attachment_with_a_connector_is_connected_at_once(demo, volume):
    made = demo.cinder("attachment-create", "--connect", "True", *HOST, "--mode", "ro", volume).shown
    assert made["driver_volume_type"] == "nbd"
    shown = demo.cinder("attachment-show", made["id"]).shown
    assert (shown["status"], shown["attach_mode"]) == ("attaching", "ro")
    demo.cinder("attachment-delete", made["id"])
    demo.until("show", volume, status="available")
    assert demo.try_cinder("attachment-show", made["id"]).code == 1


@pytest.mark.parametrize("version", ["3.54", "3.71"])
def test_a_volume_is_handed_over_to_another_project(demo, stranger, version):
    volume = demo.create("to-give")
    offer = demo.cinder("transfer-create", "--name", "gift", volume, version=version).shown
    assert (offer["name"], offer["volume_id"]) == ("gift", volume)
    assert demo.cinder("show", volume).shown["status"] == "awaiting-transfer"
    assert offer["id"] in {row["ID"] for row in demo.cinder("transfer-list", version=version).rows}
    assert demo.cinder("transfer-show", "gift", version=version).shown["volume_id"] == volume
    assert "auth_key" not in demo.cinder("transfer-show", offer["id"], version=version).shown
    assert "auth key" in stranger.refused("transfer-accept", offer["id"], "0" * 16, version=version)
    stranger.cinder("transfer-accept", offer["id"], offer["auth_key"], version=version)
    assert stranger.cinder("show", volume).shown["status"] == "available"
    assert "exists." in demo.refused("show", volume)
    second = stranger.cinder("transfer-create", volume, version=version).shown["id"]
    stranger.cinder("transfer-delete", second, version=version)
    assert stranger.cinder("show", volume).shown["status"] == "available"
    stranger.delete(volume)


def test_a_transfer_says_whether_the_snapshots_go_along(demo):
    volume = demo.create("with-snapshots")
    offer = demo.cinder("transfer-create", "--no-snapshots", volume).shown
    assert (offer["no_snapshots"], offer["accepted"]) == ("True", "False")
    demo.cinder("transfer-delete", offer["id"])
    assert "No volumetransfer with a name or ID of 'none-such' exists." in demo.refused("transfer-show", "none-such")
    demo.delete(volume)
