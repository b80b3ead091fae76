"""A record that leaves by the API brings the backup back by the API, in whatever project."""

import pytest
from backing import another_volume, backed_up, content, fill, opened, restored, work

from backups.models import Backup
from storage_site.caller import Caller
from tests.calls import Calls

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
KEPT = [
    "volume_id",
    "size_gib",
    "parent_id",
    "name",
    "metadata",
    "volume_properties",
    "stored_in",
    "target",
    "container",
]
KEPT += ["digest", "object_count", "chunks_bytes", "stored_bytes", "status", "availability_zone"]


def facts(pk) -> dict:
    backup = Backup.objects.get(pk=pk)
    found = {name: getattr(backup, name) for name in KEPT}
    return {**found, "digest": bytes(backup.digest), "data": backup.data_timestamp.replace(microsecond=0)}


def test_a_backup_comes_back_whole_as_the_importer_s(volume, admin):
    with opened(volume) as connection:
        fill(connection, 0, 7, 500)
    first = backed_up(volume)
    with opened(volume) as connection:
        fill(connection, 8)
    backup = backed_up(volume, is_incremental=True)
    record = Calls(admin).ok("GET", f"/backups/{backup.pk}/export_record")
    before = facts(backup.pk)
    Backup.objects.all().delete()
    importer = Caller(user_id="9" * 32, project_id="c" * 32, roles=frozenset({"admin"}))
    Calls(importer).ok("POST", "/backups/import_record", record, status=201)
    work()
    assert facts(backup.pk) == before
    found = Backup.objects.get()
    assert (found.project_id, found.user_id, found.parent_id) == ("c" * 32, "9" * 32, first.pk)
    assert content(restored(found, another_volume(volume), is_fresh=True)) == content(volume)
