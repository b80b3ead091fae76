"""`openstack volume …`, snapshots, attachments, transfers: what is typed and what is seen (contract 09 section 4)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

HOST = ("--host", "compute2", "--ip", "127.0.0.1", "--initiator", "iqn.1994-05.org.example:compute2")


@pytest.fixture(scope="module")
def volume(demo):
    made = demo.openstack("volume create", "--size", "1", "--property", "colour=blue", "osc")["id"]
    demo.until("show", made, status="available")
    yield made
    demo.delete(made)


def test_a_volume_is_made_shown_listed_and_deleted(demo):
    made = demo.openstack(
        "volume create", "--size", "1", "--description", "told", "--type", "__DEFAULT__", "--bootable", "osc-new"
    )
    assert (made["name"], made["size"], made["description"], made["type"]) == ("osc-new", 1, "told", "__DEFAULT__")
    demo.until("show", made["id"], status="available")
    shown = demo.openstack("volume show", "osc-new")
    assert (shown["id"], shown["status"], shown["bootable"]) == (made["id"], "available", True)
    (row,) = demo.openstack("volume list", "--name", "osc-new")
    assert row == {"ID": made["id"], "Name": "osc-new", "Status": "available", "Size": 1, "Attached to": []}
    (row,) = demo.openstack("volume list", "--long", "--status", "available", "--limit", "1")
    assert {"Type", "Bootable", "Properties"} <= row.keys()
    demo.silent("volume delete", "osc-new")
    demo.gone("show", made["id"])
    assert "No Volume found for osc-new" in demo.openstack_refuses("volume show", "osc-new")


def test_lists_are_narrowed_and_other_projects_are_the_administrators_to_see(admin, stranger, demo, volume):
    assert [row["ID"] for row in demo.openstack("volume list", "--property", "colour=blue")] == [volume]
    assert volume in {row["ID"] for row in admin.openstack("volume list", "--all-projects")}
    assert volume not in {row["ID"] for row in stranger.openstack("volume list", "--all-projects")}
    project = admin.openstack("project show", "demo")["id"]
    assert volume in {row["ID"] for row in admin.openstack("volume list", "--project", project)}
    assert f"No Volume found for {volume}" in stranger.openstack_refuses("volume show", volume)
    assert stranger.try_openstack("volume delete", volume).code == 1
    assert demo.openstack("volume show", volume)["status"] == "available"


def test_a_volume_is_changed_and_what_was_set_is_unset(admin, demo, volume):
    demo.silent("volume set", "--name", "osc-2", "--description", "second", "--property", "size=big", volume)
    demo.silent("volume set", "--image-property", "os_distro=debian", "--bootable", "--read-only", volume)
    shown = demo.openstack("volume show", volume)
    assert (shown["name"], shown["description"], shown["bootable"]) == ("osc-2", "second", True)
    assert shown["properties"] == {"colour": "blue", "size": "big", "readonly": "True"}
    assert shown["volume_image_metadata"]["os_distro"] == "debian"
    demo.silent("volume unset", "--property", "size", "--image-property", "os_distro", volume)
    demo.silent("volume set", "--non-bootable", "--read-write", volume)
    assert "size" not in demo.openstack("volume show", volume)["properties"]
    demo.silent("volume set", "--size", "2", volume)
    demo.until("show", volume, status="available")
    assert demo.openstack("volume show", volume)["size"] == 2
    assert demo.try_openstack("volume set", "--size", "1", volume).code == 1
    admin.silent("volume set", "--state", "error", volume)
    assert demo.openstack("volume show", volume)["status"] == "error"
    admin.silent("volume set", "--state", "available", "--detached", volume)
    assert demo.try_openstack("volume set", "--state", "error", volume).code == 1
    assert demo.openstack("volume show", volume)["status"] == "available"


def test_volumes_are_counted_copied_and_deleted_with_what_hangs_on_them(admin, demo, volume):
    assert demo.openstack("volume summary")["Total Count"] >= 1
    copy = demo.openstack("volume create", "--source", volume, "osc-copy")["id"]
    demo.until("show", copy, status="available")
    snapshot = demo.snapshot(copy)
    made = demo.openstack("volume create", "--snapshot", snapshot, "osc-of-snapshot")["id"]
    demo.until("show", made, status="available")
    assert demo.try_openstack("volume delete", copy).code == 1
    demo.silent("volume delete", "--cascade", copy)
    demo.gone("show", copy)
    assert demo.try_openstack("volume delete", "--force", made).code == 1
    admin.silent("volume delete", "--force", made)
    demo.gone("show", made)


def test_wrong_input_is_answered_with_what_is_wrong(demo):
    refusals = {
        ("volume create", "--size", "0", "x"): "0 is less than the minimum of 1",
        ("volume create", "--size", "1", "--type", "none-such", "x"): "none-such",
        ("volume create", "--size", "1", "--availability-zone", "moon", "x"): "Availability zone 'moon' is invalid",
        ("volume create", "--snapshot", "none-such", "x"): "none-such",
        ("volume create", "--size", "1", "n" * 256): "255",
        ("volume delete", "none-such"): "1 of 1 volumes failed to delete",
        ("volume revert", "none-such"): "none-such",
    }
    for words, wanted in refusals.items():
        assert wanted in demo.openstack_refuses(*words), words


def test_a_snapshot_is_made_changed_reverted_to_and_deleted(admin, demo, volume):
    made = demo.openstack(
        "volume snapshot create", "--volume", volume, "--description", "of osc", "--property", "a=1", "osc-snap"
    )
    assert (made["name"], made["volume_id"], made["properties"]) == ("osc-snap", volume, {"a": "1"})
    demo.until("snapshot-show", made["id"], status="available")
    demo.silent("volume snapshot set", "--name", "osc-snap-2", "--property", "b=2", made["id"])
    demo.silent("volume snapshot unset", "--property", "a", made["id"])
    shown = demo.openstack("volume snapshot show", "osc-snap-2")
    assert (shown["id"], shown["properties"], shown["description"]) == (made["id"], {"b": "2"}, "of osc")
    for words in (("--name", "osc-snap-2"), ("--volume", volume), ("--status", "available"), ("--long",)):
        assert made["id"] in {row["ID"] for row in demo.openstack("volume snapshot list", *words)}
    assert made["id"] in {row["ID"] for row in admin.openstack("volume snapshot list", "--all-projects")}
    demo.silent("volume revert", made["id"])
    demo.until("show", volume, status="available")
    admin.silent("volume snapshot set", "--state", "error", made["id"])
    assert demo.openstack("volume snapshot show", made["id"])["status"] == "error"
    demo.silent("volume snapshot delete", made["id"])
    demo.gone("snapshot-show", made["id"])
    forced = demo.snapshot(volume)
    admin.silent("volume snapshot delete", "--force", forced)
    demo.gone("snapshot-show", forced)
    assert demo.try_openstack("volume snapshot show", forced).code == 1


def test_an_attachment_goes_its_way(demo, stranger, volume):
    # `volume attachment create` wants a compute service in the catalog, named a server or not.
    assert "compute" in demo.openstack_refuses("volume attachment create", volume)
    made = {"ID": demo.cinder("attachment-create", "--connect", "True", *HOST, "--mode", "rw", volume).shown["id"]}
    listed = demo.openstack("volume attachment list", "--volume-id", volume, "--status", "attaching")
    assert [row["ID"] for row in listed] == [made["ID"]]
    demo.openstack("volume attachment set", *HOST, "--mountpoint", "/dev/vdc", made["ID"])
    demo.silent("volume attachment complete", made["ID"])
    shown = demo.openstack("volume attachment show", made["ID"])
    assert (shown["Status"], shown["Attach Mode"]) == ("attached", "rw")
    assert shown["Properties"]["driver_volume_type"] == "nbd"
    assert demo.openstack("volume show", volume)["status"] == "in-use"
    assert stranger.try_openstack("volume attachment show", made["ID"]).code == 1
    demo.try_openstack("volume attachment delete", made["ID"])
    demo.until("show", volume, status="available")
    assert demo.openstack("volume attachment list", "--volume-id", volume) == []


def test_a_volume_is_handed_over(demo, stranger):
    volume = demo.create("osc-gift")
    offer = demo.openstack("volume transfer request create", "--name", "osc-gift", volume)
    assert (offer["volume_id"], len(offer["auth_key"])) == (volume, 16)
    assert offer["id"] in {row["ID"] for row in demo.openstack("volume transfer request list")}
    assert demo.openstack("volume transfer request show", "osc-gift")["id"] == offer["id"]
    wrong = stranger.openstack_refuses("volume transfer request accept", "--auth-key", "0" * 16, offer["id"])
    assert "auth key" in wrong
    taken = stranger.openstack("volume transfer request accept", "--auth-key", offer["auth_key"], offer["id"])
    assert taken["volume_id"] == volume
    again = stranger.openstack("volume transfer request create", "--no-snapshots", volume)
    stranger.silent("volume transfer request delete", again["id"])
    stranger.delete(volume)
