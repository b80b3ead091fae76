"""Contract 04 section 7 over HTTP: backups leave as records and come back."""

import base64
import json
import uuid

import pytest
from celery import current_app

from backups.models import Backup, Repository
from backups.services.records import import_record
from storage_site.errors import StorageError
from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import PROJECT, BackupFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Quota

COLUMNS = {
    "id", "user_id", "project_id", "volume_id", "host", "availability_zone", "container", "parent_id", "status",
    "fail_reason", "size", "display_name", "display_description", "service_metadata", "service", "object_count",
    "temp_volume_id", "temp_snapshot_id", "snapshot_id", "data_timestamp", "restore_volume_id", "metadata",
    "encryption_key_id", "num_dependent_backups", "created_at", "updated_at", "deleted_at", "deleted", "driver_info",
}  # fmt: skip
REPOSITORY = uuid.UUID(int=7)


@pytest.fixture(autouse=True)
def repository(db):
    return Repository.objects.create(target="volumebackups", repository_id=REPOSITORY, status="available")


def exported(calls, backup) -> dict:
    answer = calls.ok("GET", f"/backups/{backup.pk}/export_record")["backup-record"]
    assert set(answer) == {"backup_service", "backup_url"}
    return answer


def opened(record) -> dict:
    return json.loads(base64.b64decode(record["backup_url"]))


def closed(columns, service="celinder.backups") -> dict:
    text = columns if isinstance(columns, bytes) else json.dumps(columns).encode()
    return {"backup-record": {"backup_service": service, "backup_url": base64.b64encode(text).decode()}}


@pytest.fixture
def columns(as_admin):
    """Return the columns of a backup that the service has lost."""
    backup = BackupFactory(name="b", metadata={"k": "v"}, parent_id=uuid.UUID(int=1), size_gib=3, object_count=5)
    columns = opened(exported(as_admin, backup))
    backup.delete()
    return columns


# --- export --------------------------------------------------------------------------------------------------


def test_a_record_has_exactly_the_columns_of_a_backup(as_admin):
    backup = BackupFactory(description="d", metadata={"k": "v"}, snapshot_id=uuid.UUID(int=2))
    BackupFactory(parent_id=backup.pk)
    record = exported(as_admin, backup)
    found = opened(record)
    assert set(found) == COLUMNS
    assert found["service"] == record["backup_service"] == "celinder.backups"
    assert found["driver_info"] == {
        "repository_id": str(REPOSITORY),
        "stored_in": PROJECT,
        "digest": (b"d" * 32).hex(),
        "target": "volumebackups",
    }
    expected = {
        "id": str(backup.pk), "user_id": backup.user_id, "project_id": PROJECT, "volume_id": str(backup.volume_id),
        "status": "available", "fail_reason": None, "size": 1, "display_name": backup.name, "deleted": False,
        "display_description": "d", "metadata": {"k": "v"}, "object_count": 1, "container": "volumebackups",
        "availability_zone": "nova", "snapshot_id": str(uuid.UUID(int=2)), "parent_id": None, "updated_at": None,
        "num_dependent_backups": 1, "created_at": backup.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data_timestamp": backup.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("status", ["creating", "restoring", "error", "deleting", "error_deleting"])
def test_only_an_available_backup_is_exported(as_admin, status):
    refusal = as_admin.refused("GET", f"/backups/{BackupFactory(status=status).pk}/export_record")
    assert refusal[::2] == (400, "Invalid backup: Backup status must be available and not restoring.")


def test_members_neither_export_nor_import(as_member):
    assert as_member.refused("GET", f"/backups/{BackupFactory().pk}/export_record")[0] == 403
    assert as_member.refused("POST", "/backups/import_record", {"backup-record": {}})[0] == 403


# --- import --------------------------------------------------------------------------------------------------


def test_a_record_is_imported_as_the_importer_s_backup_with_its_id(as_admin, columns):
    answer = as_admin.ok("POST", "/backups/import_record", closed(columns), status=201)["backup"]
    schemas.check(schemas.BACKUP_SUMMARY, answer)
    assert (answer["id"], answer["name"]) == (columns["id"], "b")
    shown = as_admin.ok("GET", f"/backups/{answer['id']}")["backup"]
    assert (shown["status"], shown["size"], shown["volume_id"]) == ("creating", 3, columns["volume_id"])
    assert shown["created_at"] == columns["created_at"].replace("Z", ".000000")
    assert (shown["metadata"], shown["is_incremental"], shown["object_count"]) == ({"k": "v"}, True, 5)
    backup = Backup.objects.get()
    assert (backup.project_id, backup.user_id) == (PROJECT, as_admin.caller.user_id)
    assert (backup.target, backup.stored_in, backup.digest) == ("volumebackups", PROJECT, None)
    operation = Operation.objects.get()
    assert (operation.verb, operation.queue) == ("import_record", "backup")
    assert operation.arguments == {"digest": (b"d" * 32).hex()}


def test_another_project_s_data_stay_where_they_are(as_admin, columns):
    columns["driver_info"]["stored_in"] = "b" * 32
    as_admin.ok("POST", "/backups/import_record", closed(columns), status=201)
    assert (Backup.objects.get().project_id, Backup.objects.get().stored_in) == (PROJECT, "b" * 32)


def test_what_a_record_may_leave_out_or_say_besides_is_accepted(as_admin, columns):
    for name in ("snapshot_id", "parent_id", "created_at", "data_timestamp", "metadata", "availability_zone"):
        del columns[name]
    record = closed({**columns, "own": 1})
    text = record["backup-record"]["backup_url"]
    record["backup-record"]["backup_url"] = f"{text[:76]}\n{text[76:]}\n"
    as_admin.ok("POST", "/backups/import_record", record, status=201)
    assert Backup.objects.get().availability_zone == "nova"


@pytest.mark.parametrize(
    "body",
    [
        None, {}, [], {"backup-record": None}, {"backup-record": {}}, {"backup-record": {"backup_service": "x"}},
        {"backup-record": {"backup_url": "e30="}},
        {"backup-record": {"backup_service": "x" * 256, "backup_url": "e30="}},
        {"backup-record": {"backup_service": "", "backup_url": "e30="}},
        {"backup-record": {"backup_service": 1, "backup_url": "e30="}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": ""}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": 1}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": "\u00e9"}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": "###"}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": "e30"}},
        {"backup-record": {"backup_service": "celinder.backups", "backup_url": "e30=", "own": 1}},
        *(closed(text) for text in (b"", b"{", b"[]", b"1", b"null", b"\xff", b"{}", b"[" * 50000)),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(as_admin, body):
    assert as_admin.refused("POST", "/backups/import_record", body)[0] == 400
    assert not Backup.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in ("id", "size", "volume_id", "object_count", "driver_info")),
        *({name: ...} for name in ("id", "size", "volume_id", "driver_info")),
        {"id": "x"}, {"id": 1}, {"size": 0}, {"size": "x"}, {"size": 2**31}, {"volume_id": "x"}, {"object_count": -1},
        {"display_name": "x" * 256}, {"display_name": "\0"}, {"display_name": "\ud800"}, {"metadata": {"k": 1}},
        {"metadata": []}, {"created_at": "yesterday"}, {"created_at": 1},
        {"data_timestamp": "0001-01-01T00:00:00+14:00"}, {"parent_id": "x"}, {"snapshot_id": "x"},
        {"driver_info": {}}, {"driver_info": []},
        {"driver_info": {"repository_id": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_with_something_wrong_in_it_is_refused(as_admin, columns, changed):
    columns |= changed
    columns = {name: value for name, value in columns.items() if value is not ...}
    assert as_admin.refused("POST", "/backups/import_record", closed(columns))[0] == 400
    assert not Backup.objects.exists()


@pytest.mark.parametrize(
    "changed", [{"repository_id": ""}, {"stored_in": ""}, {"stored_in": "x" * 65}, {"digest": "ff"}, {"digest": "x"}]
)
def test_a_record_that_does_not_say_where_is_refused(as_admin, columns, changed):
    columns["driver_info"] |= changed
    assert as_admin.refused("POST", "/backups/import_record", closed(columns))[0] == 400


FOREIGN = "Import record failed, cannot find backup service to perform the import. Request service "
IN_ERROR = [
    ({}, "cinder.backup.drivers.x", f"{FOREIGN}cinder.backup.drivers.x."),
    ({"service": "cinder.backup.drivers.x", "driver_info": ...}, "celinder.backups", FOREIGN),
    ({"service": ..., "volume_id": ...}, "celinder.backups", FOREIGN),
    *(
        ({name: ...}, "celinder.backups", "Import record failed, the record misses members.")
        for name in ("object_count", "display_name", "display_description", "container", "service_metadata")
    ),
]


@pytest.mark.parametrize(("changed", "service", "reason"), IN_ERROR)
def test_a_record_that_there_is_no_backup_of_is_accepted_and_ends_in_error(as_admin, columns, changed, service, reason):
    columns = {name: value for name, value in (columns | changed).items() if value is not ...}
    answer = as_admin.ok("POST", "/backups/import_record", closed(columns, service), status=201)["backup"]
    assert answer["id"] == columns["id"]
    assert as_admin.ok("GET", f"/backups/{answer['id']}")["backup"]["status"] == "creating"
    current_app.loader.import_task_module("backups.tasks")
    operation = Operation.objects.get()
    current_app.tasks[operation.task].apply(kwargs={"operation_id": str(operation.id)})
    shown = as_admin.ok("GET", f"/backups/{answer['id']}")["backup"]
    assert shown["status"] == "error"
    assert shown["fail_reason"].startswith(reason)
    again = as_admin.refused("POST", "/backups/import_record", closed(columns, service))
    assert again[::2] == (400, "Invalid backup: Backup already exists in database.")


def test_a_repository_that_is_not_here_is_told(as_admin, columns):
    columns["driver_info"]["repository_id"] = str(uuid.UUID(int=8))
    assert as_admin.refused("POST", "/backups/import_record", closed(columns))[0] == 400


def test_one_that_may_be_on_a_target_not_yet_used_is_looked_for_there(as_admin, columns, settings):
    columns["driver_info"] |= {"repository_id": str(uuid.UUID(int=8)), "target": "gone"}
    settings.BACKUP_TARGETS = {**settings.BACKUP_TARGETS, "one": {"driver": "memory"}, "two": {"driver": "memory"}}
    as_admin.ok("POST", "/backups/import_record", closed(columns), status=201)
    assert Backup.objects.get().target == "one"
    Backup.objects.all().delete()
    Operation.objects.all().delete()
    columns["driver_info"]["target"] = "two"
    as_admin.ok("POST", "/backups/import_record", closed(columns), status=201)
    assert Backup.objects.get().target == "two"


def test_a_backup_that_there_is_already_is_not_imported_whatever_the_quota_says(as_admin):
    Quota.objects.create(project_id=PROJECT, resource="backups", limit=0)
    record = {"backup-record": exported(as_admin, BackupFactory())}
    refusal = as_admin.refused("POST", "/backups/import_record", record)
    assert refusal[::2] == (400, "Invalid backup: Backup already exists in database.")


@pytest.mark.parametrize(("resource", "limit"), [("backups", 0), ("backup_gigabytes", 2)])
def test_quotas_hold_for_imports(as_admin, columns, resource, limit):
    Quota.objects.create(project_id=PROJECT, resource=resource, limit=limit)
    assert as_admin.refused("POST", "/backups/import_record", closed(columns))[:2] == (413, "overLimit")


def test_without_any_target_there_is_no_service(as_admin, columns, settings):
    settings.BACKUP_TARGETS = {}
    assert as_admin.refused("POST", "/backups/import_record", closed(columns))[:2] == (503, "serviceUnavailable")


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_of_several_imports_of_one_record_at_once_one_is_accepted(default_type, repository, admin, stranger):
    columns = {
        "id": str(uuid.uuid4()), "service": "celinder.backups", "size": 1, "display_name": None, "object_count": 0,
        "display_description": None, "container": None, "volume_id": str(uuid.uuid4()),
        "driver_info": {"repository_id": str(REPOSITORY), "stored_in": PROJECT, "digest": None},
    }  # fmt: skip

    def importing(caller):
        return lambda: import_record(caller=caller, service="celinder.backups", columns=columns)

    results = at_once(*[importing(caller) for caller in (admin, stranger) * 2])
    assert sum(isinstance(result, StorageError) for result in results) == 3, results
    assert Backup.objects.count() == 1
