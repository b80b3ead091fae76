"""`openstack volume backup …`: what is typed and what is seen (contract 09 section 4)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def volume(demo):
    made = demo.create("osc-to-keep")
    yield made
    demo.delete(made)


@pytest.fixture(scope="module")
def backup(demo, volume):
    made = demo.openstack(
        "volume backup create", "--name", "osc-full", "--description", "all", "--property", "a=1", volume
    )["id"]
    demo.until("backup-show", made, status="available")
    yield made
    demo.silent("volume backup delete", made)
    demo.gone("backup-show", made)


def test_backups_are_listed_shown_and_changed(admin, demo, volume, backup):
    for words in (("--name", "osc-full"), ("--volume", volume), ("--status", "available"), ("--long",), ()):
        assert backup in {row["ID"] for row in demo.openstack("volume backup list", *words)}
    assert backup in {row["ID"] for row in admin.openstack("volume backup list", "--all-projects")}
    demo.silent("volume backup set", "--name", "osc-whole", "--description", "told", "--property", "b=2", backup)
    # The SDK deletes what the API has no address for: properties of backups are only ever replaced.
    assert "404" in demo.openstack_refuses("volume backup unset", "--property", "b", backup)
    shown = demo.openstack("volume backup show", "osc-whole")
    assert (shown["id"], shown["description"], shown["container"]) == (backup, "told", "shelf")
    assert demo.client.backups.get(backup).metadata["b"] == "2"
    admin.silent("volume backup set", "--state", "error", backup)
    admin.silent("volume backup set", "--state", "available", backup)


def test_an_increment_is_made_of_a_snapshot_and_deleted(demo, volume, backup):
    snapshot = demo.snapshot(volume)
    made = demo.openstack("volume backup create", "--incremental", "--force", "--snapshot", snapshot, volume)["id"]
    shown = demo.until("backup-show", made, status="available")
    assert (shown["is_incremental"], shown["snapshot_id"]) == ("True", snapshot)
    demo.silent("volume backup delete", made)
    demo.gone("backup-show", made)
    demo.silent("volume snapshot delete", snapshot)
    demo.gone("snapshot-show", snapshot)


def test_a_backup_is_restored(demo, volume, backup):
    demo.openstack("volume backup restore", "--force", backup, volume)
    demo.until("backup-show", backup, status="available")
    demo.until("show", volume, status="available")
    new = demo.openstack("volume backup restore", backup, "osc-restored")["volume_id"]
    demo.until("show", new, status="available")
    demo.until("backup-show", backup, status="available")
    made = demo.openstack("volume create", "--size", "1", "--backup", backup, "osc-from-backup")["id"]
    demo.until("show", made, status="available")
    demo.until("backup-show", backup, status="available")
    demo.delete(new, made)


def test_a_record_is_exported_and_a_backup_deleted_by_force(admin, demo, volume):
    made = demo.openstack("volume backup create", volume)["id"]
    demo.until("backup-show", made, status="available")
    record = {name.lower(): value for name, value in admin.openstack("volume backup record export", made).items()}
    assert {"backup_service", "backup_url"} <= record.keys()
    refusal = admin.openstack_refuses("volume backup record import", record["backup_service"], record["backup_url"])
    assert refusal
    assert demo.try_openstack("volume backup record export", made).code == 1
    admin.silent("volume backup delete", "--force", made)
    demo.gone("backup-show", made)
