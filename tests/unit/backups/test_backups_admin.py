"""The console's pages about backups and repositories: what they show, and that their buttons call the services."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backups.models import Backup, Repository
from storage_site.operations.models import Operation
from tests.console import Operator, list_of
from tests.factories import PROJECT, BackupFactory, VolumeFactory
from volumes.models import Volume

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return Operator()


@pytest.fixture
def repository():
    return Repository.objects.create(target="volumebackups", repository_id=uuid.UUID(int=7), status="available")


def test_the_list_shows_what_a_backup_is_and_where(operator):
    parent = BackupFactory(name="the first", stored_bytes=3 * 1024**2, size_gib=7)
    BackupFactory(name="the second", parent_id=parent.pk, volume_id=uuid.uuid4(), volume=None, size_gib=1)
    page = operator.opens(list_of(Backup))
    for shown in ("the first", "7 GiB", "3.0 MiB", "volumebackups", "available"):
        assert shown in page
    assert f'href="{reverse("admin:backups_backup_change", args=[parent.pk])}">the first</a>' in page
    volume = Volume.objects.get()
    assert f'href="{reverse("admin:volumes_volume_change", args=[volume.pk])}">{volume.name}</a>' in page


def test_a_page_shows_all_there_is_to_know(operator):
    backup = BackupFactory(
        fail_reason="mem1 on host7 is full", metadata={"k": "v"}, volume_properties={"name": "of the volume"},
        snapshot_id=uuid.UUID(int=3), restoring_volume_id=uuid.UUID(int=4),
    )  # fmt: skip
    page = operator.opens(backup)
    for shown in ("mem1 on host7 is full", "of the volume", (b"d" * 32).hex(), str(uuid.UUID(int=4)), "<th>k</th>"):
        assert shown in page


@pytest.mark.parametrize(
    "query", [{"status": "error"}, {"target": "volumebackups"}, {"data": "damaged"}, {"q": "wanted"}]
)
def test_rows_are_chosen_and_searched(operator, query):
    backup = BackupFactory(name="wanted", status="error", is_damaged=True)
    BackupFactory(name="backup-nine", target="elsewhere")
    page = operator.opens(list_of(Backup), **query)
    assert "backup-nine" not in page
    assert "wanted" in page
    assert "wanted" in operator.opens(list_of(Backup), q=str(backup.volume_id))


def test_a_long_list_takes_no_more_queries(operator):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.opens(list_of(Backup))
        return len(captured)

    parent = BackupFactory()
    BackupFactory(parent_id=parent.pk)
    few = queries()
    BackupFactory.create_batch(20, parent_id=parent.pk)
    assert queries() == few


@pytest.mark.parametrize(
    ("button", "answers", "said", "status"),
    [
        ("delete", {}, "its deletion is accepted.", "deleting"),
        ("force-delete", {}, "its deletion by force is accepted.", "deleting"),
        ("reset", {"status": "error"}, "set to error.", "error"),
    ],
)
def test_an_operator_deletes_and_resets(operator, button, answers, said, status):
    backup = BackupFactory(name="b")
    [told] = operator.presses(backup, button, **answers)
    assert told.endswith(f"b: {said}")
    assert Backup.objects.get().status == status


def test_an_operator_restores_to_a_volume_and_to_a_new_one_of_the_backup_s_project(operator):
    volume = VolumeFactory()
    operator.presses(BackupFactory(), "restore", volume_id=str(volume.pk))
    volume.refresh_from_db()
    assert volume.status == "restoring-backup"
    operator.presses(BackupFactory(), "restore", name="new")
    made = Volume.objects.get(name="new")
    assert (made.project_id, made.status, made.user_id) == (PROJECT, "creating", str(operator.user.pk))


def test_what_a_service_refuses_is_told(operator):
    [said] = operator.presses(BackupFactory(status="creating"), "restore")
    assert "Invalid backup: Backup status must be available" in said
    [said] = operator.presses(BackupFactory(target="gone"), "delete")
    assert "cinder-backup could not be found" in said
    assert not Operation.objects.exists()


def test_the_restore_button_is_offered_where_it_can_work(operator):
    assert "/button/restore/" in operator.opens(BackupFactory())
    assert "/button/restore/" not in operator.opens(BackupFactory(status="error"))


# --- repositories --------------------------------------------------------------------------------------------


def test_a_repository_shows_what_it_holds_and_what_was_found(operator, repository):
    BackupFactory.create_batch(2, stored_bytes=1024**2)
    BackupFactory(target="elsewhere", stored_bytes=1024**3)
    Repository.objects.update(findings={"verified": {"problems": 3}})
    page = operator.opens(list_of(Repository))
    assert "2.0 MiB" in page
    assert "3 problems" in page
    Repository.objects.update(findings={"verified": {"problems": 0}})
    assert "sound" in operator.opens(repository)


@pytest.mark.parametrize(
    ("button", "answers", "arguments"),
    [("collect", {}, {}), ("verify", {"percent": "25"}, {"part": 0.25}), ("rotate", {}, {})],
)
def test_an_operator_looks_after_a_repository(operator, repository, button, answers, arguments):
    [said] = operator.presses(repository, button, **answers)
    operation = Operation.objects.get()
    assert (operation.verb, operation.queue, operation.arguments) == (button, "backup", arguments)
    [said] = operator.presses(repository, button, **answers)
    assert "accepted" not in said
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("percent", ["", "101", "-1", "x"])
def test_a_part_that_is_none_is_asked_for_again(operator, repository, percent):
    url = reverse("admin:backups_repository_button", args=[repository.pk, "verify"])
    response = operator.client.post(url, {"confirmed": "1", "percent": percent})
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert not Operation.objects.exists()
