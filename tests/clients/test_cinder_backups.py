"""`cinder` and backups: what is typed, and what is seen (contract 09 section 3)."""

import pytest

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def volume(demo):
    made = demo.create("to-keep")
    yield made
    demo.delete(made)


@pytest.fixture(scope="module")
def backup(demo, volume):
    made = demo.cinder("backup-create", "--name", "full", "--description", "all of it", "--metadata", "a=b", volume)
    demo.until("backup-show", made.shown["id"], status="available")
    yield made.shown["id"]
    demo.cinder("backup-delete", made.shown["id"])
    demo.gone("backup-show", made.shown["id"])


def test_backups_are_listed_shown_and_changed(demo, volume, backup):
    listed = demo.cinder("backup-list", "--volume-id", volume)
    wanted = ["ID", "Volume ID", "Status", "Name", "Size", "Object Count", "Container", "User ID"]
    assert listed.headings == wanted
    assert backup in {row["ID"] for row in listed.rows}
    for words in (("--name", "full"), ("--status", "available"), ("--limit", "1"), ("--sort", "name:asc")):
        assert demo.cinder("backup-list", *words, "--with-count").rows
    demo.cinder("backup-update", "--name", "whole", "--description", "changed", "--metadata", "c=d", backup)
    shown = demo.cinder("backup-show", "whole").shown
    assert (shown["id"], shown["description"], shown["volume_id"]) == (backup, "changed", volume)
    assert (shown["is_incremental"], shown["container"]) == ("False", "shelf")
    assert "Must supply" in demo.try_cinder("backup-update", backup).err


def test_an_incremental_backup_hangs_on_its_parent(demo, volume, backup):
    made = demo.cinder("backup-create", "--incremental", "--name", "change", volume).shown["id"]
    assert demo.until("backup-show", made, status="available")["is_incremental"] == "True"
    assert demo.cinder("backup-show", backup).shown["has_dependent_backups"] == "True"
    demo.cinder("backup-delete", made)
    demo.gone("backup-show", made)


def test_a_snapshot_is_backed_up(demo, volume):
    snapshot = demo.snapshot(volume)
    made = demo.cinder("backup-create", "--snapshot-id", snapshot, "--force", volume).shown["id"]
    assert demo.until("backup-show", made, status="available")["snapshot_id"] == snapshot
    demo.cinder("backup-delete", made)
    demo.gone("backup-show", made)
    demo.cinder("snapshot-delete", snapshot)
    demo.gone("snapshot-show", snapshot)


def test_a_backup_is_restored_to_a_volume_and_to_new_ones(demo, volume, backup):
    demo.cinder("backup-restore", "--volume", volume, backup)
    demo.until("backup-show", backup, status="available")
    demo.until("show", volume, status="available")
    named = demo.cinder("backup-restore", "--name", "restored", backup).shown["volume_id"]
    demo.until("show", named, status="available")
    demo.until("backup-show", backup, status="available")  # one restore at a time
    made = demo.cinder("create", "--backup-id", backup, "--name", "from-backup", "1").shown["id"]
    demo.until("show", made, status="available")
    demo.until("backup-show", backup, status="available")
    typed = demo.cinder("backup-restore", "--name", "typed", "--volume-type", "__DEFAULT__", backup).shown
    other = typed.get("volume_id") or typed["id"]
    demo.until("show", other, status="available")
    demo.until("backup-show", backup, status="available")
    assert demo.cinder("show", named).shown["name"] == "restored"
    demo.delete(named, made, other)


def test_an_administrator_exports_imports_resets_and_deletes_by_force(admin, here, demo, volume):
    made = demo.cinder("backup-create", "--name", "travels", volume).shown["id"]
    demo.until("backup-show", made, status="available")
    record = admin.cinder("backup-export", made).shown
    assert "Unable to delete any of the specified backups." in demo.refused("backup-delete", "--force", made)
    assert "already exists" in admin.refused("backup-import", record["backup_service"], record["backup_url"])
    assert admin.try_cinder("backup-import", record["backup_service"], "bm90IGEgcmVjb3Jk").code == 1
    program = f"from backups.models import Backup; Backup.objects.filter(pk='{made}').delete()"
    assert here.manage("shell", "-v", "0", "-c", program).returncode == 0
    assert admin.cinder("backup-import", record["backup_service"], record["backup_url"]).shown["id"] == made
    admin.until("backup-show", made, status="available")
    admin.cinder("backup-reset-state", "--state", "error", made)
    assert admin.cinder("backup-show", made).shown["status"] == "error"
    admin.cinder("reset-state", "--type", "backup", "--state", "available", made)
    assert made in {row["ID"] for row in admin.cinder("backup-list", "--all-tenants", "1").rows}
    admin.cinder("backup-delete", "--force", made)
    admin.gone("backup-show", made)


def test_what_is_wrong_with_a_backup_is_said(demo, stranger, backup):
    assert "No volume with a name or ID of 'none-such' exists." in demo.refused("backup-create", "none-such")
    assert "No volumebackup with a name or ID of 'none-such' exists." in demo.refused("backup-show", "none-such")
    assert f"No volumebackup with a name or ID of '{backup}' exists." in stranger.refused("backup-show", backup)
    assert "Policy doesn't allow" in demo.refused("backup-export", backup)
    small = demo.try_cinder("backup-restore", "--volume", "none-such", backup)
    assert "No volume with a name or ID of 'none-such' exists." in small.err
