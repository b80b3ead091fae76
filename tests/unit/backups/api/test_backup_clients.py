"""Unmodified clients manage backups on a server that runs."""

import cinderclient.client
import cinderclient.exceptions
import cinderclient.shell
import openstack
import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3

from backups.models import Backup, Repository
from storage_site.identity import services as identity
from storage_site.identity.tokens import recent
from storage_site.operations.models import Operation
from tests.factories import BackupFactory, SnapshotFactory, VolumeFactory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture
def project(transactional_db):
    recent.forget()
    user = identity.create_user(name="op", password="a long password")
    project = identity.create_project(name="p")
    for role in ("admin", "member"):
        identity.grant(user=user, project=project, role=role)
    return project


@pytest.fixture
def auth(project, live_server, default_type):
    return {
        "auth_url": f"{live_server.url}/identity/v3",
        "username": "op",
        "password": "a long password",
        "user_domain_name": "Default",
        "project_name": "p",
        "project_domain_name": "Default",
    }


@pytest.fixture(params=["3.0", "3.9", "3.45", "3.71"])
def cinder(request, auth):
    return cinderclient.client.Client(request.param, session=session.Session(auth=v3.Password(**auth)))


@pytest.fixture
def command(auth, monkeypatch, capsys):
    for name, value in auth.items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)
    monkeypatch.setenv("OS_REGION_NAME", "RegionOne")

    def run(*words: str) -> str:
        cinderclient.shell.OpenStackCinderShell().main(list(words))
        return capsys.readouterr().out

    return run


def finish(backup_id) -> None:
    """Leave the backup as a worker would."""
    Backup.objects.filter(pk=backup_id).update(status="available", digest=b"d" * 32, object_count=2)


def test_cinderclient_manages_backups(cinder, project):
    Repository.objects.create(target="volumebackups", repository_id="0" * 32, status="available")
    volume = VolumeFactory(project_id=project.id)
    made = cinder.backups.create(volume.pk, name="b1", description="d", force=True)
    assert made.name == "b1"
    assert cinder.backups.get(made.id).status == "creating"
    finish(made.id)
    assert [each.id for each in cinder.backups.list(search_opts={"name": "b1"}, limit=1)] == [made.id]
    snapshot = SnapshotFactory(volume=volume)
    child = cinder.backups.create(volume.pk, snapshot_id=str(snapshot.pk), incremental=True, container="own")
    shown = cinder.backups.get(child.id)
    assert (shown.is_incremental, shown.container) == (True, "own")
    assert cinder.backups.get(made.id).has_dependent_backups is True
    record = cinder.backups.export_record(made.id)
    restored = cinder.restores.restore(made.id)
    assert (restored.backup_id, restored.volume_name) == (made.id, f"restore_backup_{made.id}")
    assert cinder.backups.get(made.id).status == "restoring"
    cinder.backups.reset_state(made.id, "error")
    cinder.backups.delete(made.id, force=True)
    Backup.objects.filter(pk=made.id).delete()
    with pytest.raises(cinderclient.exceptions.NotFound):
        cinder.backups.get(made.id)
    Operation.objects.all().delete()
    imported = cinder.backups.import_record(record["backup_service"], record["backup_url"])
    assert imported["id"] == made.id


def test_the_cinder_command_manages_backups(command, project):
    volume = VolumeFactory(project_id=project.id, status="in-use")
    assert "b1" in command("backup-create", "--force", "--name", "b1", "--metadata", "k=v", "--", str(volume.pk))
    backup = Backup.objects.get()
    finish(backup.pk)
    assert "b1" in command("backup-list", "--all-tenants", "--sort", "name:asc")
    assert "{'k': 'v'}" in command("backup-show", "b1")
    command("backup-update", "b1", "--name", "b2")
    target = VolumeFactory(project_id=project.id)
    assert str(target.pk) in command("backup-restore", "b2", "--volume", str(target.pk))
    command("backup-reset-state", "--state", "available", "b2")
    assert "creating" in command("create", "--backup-id", str(backup.pk), "--name", "new", "2")
    command("backup-delete", "--force", "b2")
    backup.refresh_from_db()
    assert backup.status == "deleting"


def test_openstacksdk_manages_backups(auth, project):
    with openstack.connect(**auth, region_name="RegionOne", app_name="test", identity_api_version="3") as sdk:
        volume = VolumeFactory(project_id=project.id)
        made = sdk.block_storage.create_backup(volume_id=str(volume.pk), name="b1")
        finish(made.id)
        shown = sdk.block_storage.get_backup(made.id)
        assert (shown.status, shown.size, shown.project_id) == ("available", 1, project.id)
        BackupFactory.create_batch(3, project_id=project.id)
        assert len(list(sdk.block_storage.backups(details=True, limit=2))) == 4
        assert sdk.block_storage.find_backup("b1").id == made.id
        sdk.block_storage.restore_backup(made.id, name="new")
        assert sdk.block_storage.get_backup(made.id).status == "restoring"
        sdk.block_storage.reset_backup(made.id, "available")
        sdk.block_storage.delete_backup(made.id)
        assert sdk.block_storage.get_backup(made.id).status == "deleting"
