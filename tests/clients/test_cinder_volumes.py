"""`cinder` and volumes: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]

LIST = ["ID", "Status", "Name", "Size", "Consumes Quota", "Volume Type", "Bootable", "Attached to"]


@pytest.fixture(scope="module")
def volume(demo):
    made = demo.create("kept", "--description", "of the tests", "--metadata", "colour=green")
    yield made
    demo.delete(made)


def test_a_new_volume_is_shown_as_it_was_asked_for(demo):
    made = demo.cinder("create", "--name", "new", "--description", "told", "--metadata", "a=b", "--", "2").shown
    assert (made["status"], made["name"], made["description"], made["size"]) == ("creating", "new", "told", "2")
    assert made["metadata"] == "{'a': 'b'}"
    assert made["volume_type"] == "__DEFAULT__"
    shown = demo.until("show", made["id"], status="available")
    assert (shown["bootable"], shown["encrypted"], shown["multiattach"]) == ("false", "False", "False")
    assert "os-vol-host-attr:host" not in {name for name, value in shown.items() if value not in {"None", ""}}
    demo.delete(made["id"])


def test_an_administrator_sees_on_which_host_a_volume_lives(admin, volume):
    host = admin.cinder("show", volume).shown["os-vol-host-attr:host"]
    assert host in {"celinder@local#local", "celinder@other#other"}


def test_the_list_has_its_columns_and_finds_by_name_status_metadata_and_page(demo, volume):
    listed = demo.cinder("list")
    assert listed.headings == LIST
    (row,) = (row for row in listed.rows if row["ID"] == volume)
    assert [row[name] for name in LIST[1:]] == ["available", "kept", "1", "True", "__DEFAULT__", "false", ""]
    for words in (("--name", "kept"), ("--status", "available"), ("--metadata", "colour=green")):
        assert volume in {row["ID"] for row in demo.cinder("list", *words).rows}
    assert demo.cinder("list", "--metadata", "colour=red").rows == []
    assert demo.cinder("list", "--status", "error").rows == []
    second = demo.create("later")
    newest = demo.cinder("list", "--limit", "1", "--sort", "created_at:desc").rows
    assert [row["ID"] for row in newest] == [second]
    after = demo.cinder("list", "--marker", second, "--sort", "created_at:desc").rows
    assert second not in {row["ID"] for row in after}
    assert volume in {row["ID"] for row in after}
    assert demo.cinder("list", "--fields", "name,size").headings == ["ID", "Name", "Size"]
    demo.delete(second)


def test_volumes_of_other_projects_are_seen_by_administrators_who_ask_for_them_and_by_no_one_else(
    admin, stranger, volume
):
    assert volume in {row["ID"] for row in admin.cinder("list", "--all-tenants").rows}
    assert volume not in {row["ID"] for row in admin.cinder("list").rows}
    assert volume not in {row["ID"] for row in stranger.cinder("list", "--all-tenants").rows}
    for words in (("show", volume), ("rename", volume, "mine"), ("extend", volume, "2"), ("metadata-show", volume)):
        assert f"No volume with a name or ID of '{volume}' exists." in stranger.refused(*words)
    assert "Unable to delete any of the specified volumes." in stranger.refused("delete", volume)


def test_a_volume_is_found_by_its_name_and_two_of_one_name_are_ambiguous(demo, volume):
    assert demo.cinder("show", "kept").shown["id"] == volume
    twin = demo.create("kept")
    assert "Multiple volume matches found for 'kept'" in demo.refused("show", "kept")
    demo.delete(twin)


def test_wrong_input_is_answered_with_what_is_wrong(demo, volume):
    refusals = {
        ("create", "0"): "0 is less than the minimum of 1",
        ("create", "-1"): "-1 is less than the minimum of 1",
        ("create", "--volume-type", "none-such", "1"): "could not be found",
        ("create", "--availability-zone", "the-moon", "1"): "Availability zone 'the-moon' is invalid",
        ("create", "--snapshot-id", "00000000-0000-4000-8000-000000000000", "1"): "could not be found",
        ("create", "--source-volid", "00000000-0000-4000-8000-000000000000", "1"): "could not be found",
        ("create", "--name", "n" * 256, "1"): "255",
        ("extend", volume, "1"): "New size for extend must be greater than current size",
        ("reset-state", "--state", "error", volume): "Unable to reset the state for the specified entity(s).",
        ("force-delete", volume): "Unable to force delete any of the specified volumes",
        ("delete", "none-such"): "Unable to delete any of the specified volumes",
        ("set-bootable", "none-such", "true"): "No volume with a name or ID of 'none-such' exists.",
        ("list", "--sort", "shoe"): "sort_key",
        ("list", "--limit", "-4"): "limit",
    }
    for words, wanted in refusals.items():
        said = demo.try_cinder(*words)
        assert said.code != 0, words
        assert wanted in said.err, (words, said.err)


def test_volumes_are_renamed_described_grown_and_counted(demo, volume):
    demo.cinder("rename", "--description", "changed", volume, "renamed")
    shown = demo.cinder("show", volume).shown
    assert (shown["name"], shown["description"]) == ("renamed", "changed")
    assert "Must supply either name or description." in demo.try_cinder("rename", volume).err
    demo.cinder("rename", volume, "kept")
    grown = demo.create("grows")
    demo.cinder("extend", grown, "3")
    assert demo.until("show", grown, status="available")["size"] == "3"
    summary = demo.cinder("summary").shown
    assert int(summary["total_count"]) >= 2
    assert int(summary["total_size"]) >= 4
    demo.delete(grown)


def test_metadata_is_set_unset_shown_and_replaced(demo, volume):
    demo.cinder("metadata", volume, "set", "shape=round", "size=big")
    assert demo.cinder("metadata-show", volume).shown["shape"] == "round"
    demo.cinder("metadata", volume, "unset", "shape")
    assert "shape" not in demo.cinder("metadata-show", volume).shown
    demo.cinder("metadata", volume, "unset", "size", version="3.14")
    demo.cinder("metadata-update-all", volume, "colour=green", "new=yes")
    assert {"colour", "new"} <= demo.cinder("metadata-show", volume).shown.keys()
    said = demo.try_cinder("metadata", volume, "set", f"{'k' * 256}=v")
    assert said.code == 1
    assert demo.cinder("show", volume).shown["metadata"].startswith("colour : green")


def test_what_is_known_of_an_image_is_set_shown_and_unset(admin, demo, volume):
    demo.cinder("image-metadata", volume, "set", "os_distro=debian", "min_disk=1")
    assert demo.cinder("image-metadata-show", volume).shown["os_distro"] == "debian"
    found = admin.cinder("list", "--all-tenants", "--image_metadata", "os_distro=debian").rows
    assert volume in {row["ID"] for row in found}
    assert "Invalid filters glance_metadata" in demo.refused("list", "--image_metadata", "os_distro=debian")
    demo.cinder("image-metadata", volume, "unset", "os_distro", "min_disk")
    assert "os_distro" not in demo.cinder("image-metadata-show", volume).shown


def test_flags_are_set_and_shown(demo, volume):
    demo.cinder("set-bootable", volume, "true")
    assert demo.cinder("show", volume).shown["bootable"] == "true"
    assert volume in {row["ID"] for row in demo.cinder("list", "--bootable", "true").rows}
    demo.cinder("set-bootable", volume, "false")
    demo.cinder("readonly-mode-update", volume, "True")
    assert "readonly : True" in demo.cinder("show", volume).out
    demo.cinder("readonly-mode-update", volume, "False")


def test_an_administrator_resets_states_and_deletes_by_force(admin, demo):
    made = demo.create("stuck")
    admin.cinder("reset-state", "--state", "attaching", "--attach-status", "detached", made)
    assert demo.cinder("show", made).shown["status"] == "attaching"
    assert "Volume status must be available or error" in demo.try_cinder("delete", made).out
    assert admin.try_cinder("reset-state", "--state", "deleting", made).code == 1
    admin.cinder("reset-state", "--type", "volume", "--state", "error", made)
    assert demo.cinder("show", made).shown["status"] == "error"
    assert "invalid choice" in admin.try_cinder("reset-state", "--type", "shoe", made).err or admin.refused(
        "reset-state", "--type", "shoe", made
    )
    assert admin.try_cinder("reset-state", "--state", "purple", made).code == 1
    admin.cinder("reset-state", "--reset-migration-status", made)
    admin.cinder("force-delete", made)
    demo.gone("show", made)


def test_a_volume_is_made_of_another_one_and_goes_with_its_snapshots(demo, volume):
    copy = demo.create("copy", "--source-volid", volume)
    assert demo.cinder("show", copy).shown["source_volid"] == volume
    snapshot = demo.snapshot(copy, "--name", "of-copy")
    assert "Unable to delete any of the specified volumes." in demo.refused("delete", copy)
    demo.cinder("delete", "--cascade", copy)
    demo.gone("show", copy)
    demo.gone("snapshot-show", snapshot)
