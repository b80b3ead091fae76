"""Rows that are made from what a repository says: imported records, and all of them after a disaster."""

import pytest
from backing import CALLER, another_volume, backed_up, content, fill, opened, restored, waiting, work
from django.core.management import CommandError, call_command
from django.db import transaction

from backups.models import Backup, ProjectKey, Repository
from storage_site.caller import SYSTEM
from storage_site.operations.admission import begin
from storage_site.operations.models import Operation, Transition

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
KEPT = ["volume_id", "size_gib", "parent_id", "name", "description", "metadata", "volume_properties", "project_id"]
KEPT += ["user_id", "stored_in", "target", "container", "object_count", "chunks_bytes", "stored_bytes", "status"]
KEPT += ["data_timestamp", "created_at", "availability_zone"]


@pytest.fixture
def chain(volume) -> list[Backup]:
    with opened(volume) as connection:
        fill(connection, 0, 1, 500)
    first = backed_up(volume)
    with opened(volume) as connection:
        fill(connection, 2)
    return [first, backed_up(volume, is_incremental=True)]


def facts(backup: Backup) -> dict:
    backup.refresh_from_db()
    return {name: getattr(backup, name) for name in KEPT} | {"digest": bytes(backup.digest)}


def forget_everything() -> None:
    for model in (Backup, ProjectKey, Repository, Operation, Transition):
        model.objects.all().delete()


def test_an_empty_database_gets_all_backups_back_and_they_restore(chain, volume, capsys):
    before = {one.pk: facts(one) for one in chain}
    forget_everything()
    call_command("backup_import", "shelf")
    assert "2 made." in capsys.readouterr().out
    assert {one.pk: facts(one) for one in Backup.objects.all()} == before
    latest = Backup.objects.get(pk=chain[1].pk)
    assert content(restored(latest, another_volume(volume), is_fresh=True)) == content(volume)
    call_command("backup_import", "shelf", "--project", "a" * 32)
    assert "0 made." in capsys.readouterr().out


def test_only_one_project_s_are_found_where_that_is_asked(chain, capsys):
    forget_everything()
    with pytest.raises(CommandError):
        call_command("backup_import", "shelf", "--project", "b" * 32)
    with pytest.raises(CommandError, match="no backup target"):
        call_command("backup_import", "elsewhere")
    assert not Backup.objects.exists()


def accept_import(of: Backup, *, digest: bytes | None, size_gib: int = 1) -> Backup:
    made = Backup(
        pk=of.pk, project_id="c" * 32, user_id="", volume_id="0" * 32, size_gib=size_gib, target="shelf",
        stored_in=of.stored_in,
    )  # fmt: skip
    with transaction.atomic():
        begin(made, "import_record", caller=SYSTEM, arguments={"digest": digest.hex() if digest else None})
    return made


@pytest.mark.parametrize("with_digest", [True, False])
def test_an_imported_record_is_completed_and_restores(chain, volume, with_digest):
    latest, wanted = chain[1], facts(chain[1])
    Backup.objects.filter(pk=latest.pk).delete()
    made = accept_import(latest, digest=bytes(latest.digest) if with_digest else None)
    work()
    found = facts(made)
    for name in ("volume_id", "parent_id", "digest", "object_count", "volume_properties", "status"):
        assert found[name] == wanted[name]
    assert content(restored(made, another_volume(volume), is_fresh=True)) == content(volume)


@pytest.mark.parametrize(
    ("digest", "size_gib", "code"),
    [(b"\1" * 32, 1, "backup-manifest-replaced"), (None, 7, "backup-record-wrong")],
)
def test_a_record_that_does_not_fit_is_refused_and_says_why(chain, digest, size_gib, code):
    Backup.objects.filter(pk=chain[1].pk).delete()
    made = accept_import(chain[1], digest=digest, size_gib=size_gib)
    operation = waiting()[0]
    work()
    made.refresh_from_db()
    operation.refresh_from_db()
    assert (made.status, operation.fault_code) == ("error", code)
    assert made.fail_reason


def test_a_record_of_a_backup_that_is_not_there_is_refused(chain):
    made = Backup(project_id="c" * 32, user_id="", volume_id="0" * 32, size_gib=1, target="shelf", stored_in="d" * 32)
    with transaction.atomic():
        begin(made, "import_record", caller=CALLER, arguments={})
    operation = waiting()[0]
    work()
    operation.refresh_from_db()
    assert operation.fault_code == "backup-missing"
