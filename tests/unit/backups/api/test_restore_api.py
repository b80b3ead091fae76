"""Contract 04 section 5 over HTTP, and contract 02 section 2 for volumes made from backups."""

import uuid

import pytest

from backups.models import Backup
from storage_site.operations.models import Operation
from tests import schemas
from tests.factories import PROJECT, BackupFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Quota, Volume

NOBODY = str(uuid.UUID(int=1))
RESTORE = schemas.exactly(
    {"backup_id": schemas.UUID, "volume_id": schemas.UUID, "volume_name": schemas.nullable(schemas.TEXT)}
)


def lone(**fields):
    """Return a backup whose volume has gone."""
    return BackupFactory(**{"volume": None, "volume_id": uuid.uuid4(), "size_gib": 1, **fields})


@pytest.mark.parametrize("name", [None, "v1"])
def test_an_existing_volume_is_restored_to(as_member, name):
    backup, volume = lone(), VolumeFactory(name=name, size_gib=2)
    body = {"restore": {"volume_id": str(volume.pk), "name": "ignored"}}
    answer = as_member.ok("POST", f"/backups/{backup.pk}/restore", body, status=202)["restore"]
    schemas.check(RESTORE, answer)
    assert answer == {"backup_id": str(backup.pk), "volume_id": str(volume.pk), "volume_name": name}
    assert as_member.ok("GET", f"/backups/{backup.pk}")["backup"]["status"] == "restoring"
    shown = as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert (shown["status"], shown["name"], shown["size"]) == ("restoring-backup", name, 2)


@pytest.mark.parametrize("asked", [{}, {"volume_id": None}, {"name": None}, {"name": "new"}])
def test_without_one_a_new_volume_is_named_at_once(as_member, asked):
    backup = lone(size_gib=3)
    answer = as_member.ok("POST", f"/backups/{backup.pk}/restore", {"restore": asked}, status=202)["restore"]
    schemas.check(RESTORE, answer)
    assert answer["volume_name"] == asked.get("name") or f"restore_backup_{backup.pk}"
    shown = as_member.ok("GET", f"/volumes/{answer['volume_id']}")["volume"]
    assert (shown["status"], shown["size"], shown["name"]) == ("creating", 3, answer["volume_name"])
    assert shown["description"] == "auto-created_from_restore_from_backup"


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"restore": None}, {"restore": []}, {"restore": {"own": 1}}, {"restore": {}, "own": 1},
        {"restore": {"volume_id": "x"}}, {"restore": {"volume_id": ""}}, {"restore": {"name": 1}},
        {"restore": {"name": "x" * 256}},
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(as_member, body):
    assert as_member.refused("POST", f"/backups/{lone().pk}/restore", body)[0] == 400
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("backup", "volume", "code", "text"),
    [
        ({"status": "error"}, {}, 400, "Invalid backup: Backup status must be available"),
        ({"status": "restoring"}, {}, 400, "Invalid backup: Backup status must be available"),
        ({"target": "gone"}, {}, 404, "cinder-backup could not be found"),
        ({}, {"project_id": "b" * 32}, 404, "Volume "),
        ({}, {"status": "in-use"}, 400, "Volume to be restored to must be available"),
        ({}, {"status": "error"}, 400, "Volume to be restored to must be available"),
        ({"size_gib": 5}, {}, 400, "volume size 1 is too small to restore backup of size 5."),
    ],
)
def test_what_cannot_be_restored_is_refused_and_nothing_changes(as_member, backup, volume, code, text):
    backup, volume = lone(**backup), VolumeFactory(**volume)
    before = (backup.status, volume.status)
    refusal = as_member.refused("POST", f"/backups/{backup.pk}/restore", {"restore": {"volume_id": str(volume.pk)}})
    assert refusal[0] == code
    assert text in refusal[2]
    backup.refresh_from_db()
    volume.refresh_from_db()
    assert (backup.status, volume.status) == before


def test_an_unknown_volume_is_not_found(as_member):
    body = {"restore": {"volume_id": NOBODY}}
    refusal = as_member.refused("POST", f"/backups/{lone().pk}/restore", body)
    assert refusal == (404, "itemNotFound", f"Volume {NOBODY} could not be found.")


@pytest.mark.parametrize(("resource", "text"), [("volumes", "VolumeLimit"), ("gigabytes", "VolumeSizeExceeds")])
def test_a_quota_that_does_not_allow_a_new_volume_refuses(as_member, resource, text):
    Quota.objects.create(project_id=PROJECT, resource=resource, limit=0)
    code, name, message = as_member.refused("POST", f"/backups/{lone().pk}/restore", {"restore": {}})
    assert (code, name) == (413, "overLimit")
    assert text in message
    assert Backup.objects.get().status == "available"


# --- volumes made from backups -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.0", "3.46", "3.47", "3.53", "3.71"])
def test_a_volume_is_made_from_a_backup(as_member, version):
    backup = lone(size_gib=2)
    body = {"volume": {"backup_id": str(backup.pk)}}
    made = as_member.ok("POST", "/volumes", body, version=version, status=202)["volume"]
    schemas.check(schemas.volume(version, is_admin=False, in_full=False), made)
    assert (made["size"], made["status"], made["name"], made["volume_type"]) == (2, "creating", None, "__DEFAULT__")
    assert (made["snapshot_id"], made["source_volid"], made["bootable"]) == (None, None, "false")
    assert as_member.ok("GET", f"/backups/{backup.pk}")["backup"]["status"] == "restoring"


def test_type_size_and_zone_are_the_client_s(as_member):
    VolumeTypeFactory(name="gold")
    asked = {"size": 5, "volume_type": "gold", "availability_zone": "nova", "name": "own", "metadata": {"k": "v"}}
    body = {"volume": {"backup_id": str(lone().pk), **asked}}
    made = as_member.ok("POST", "/volumes", body, status=202)["volume"]
    assert {name: made[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("backup", "asked", "code"),
    [
        ({"size_gib": 2}, {"size": 1}, 400),
        ({"status": "error"}, {}, 400),
        ({"status": "creating"}, {}, 400),
        ({"project_id": "b" * 32}, {}, 404),
        ({"target": "gone"}, {}, 404),
        ({}, {"backup_id": NOBODY}, 404),
        ({}, {"backup_id": "x"}, 400),
        ({}, {"source": True}, 400),
    ],
)
def test_what_volumes_cannot_be_made_from_is_refused(as_member, backup, asked, code):
    body = {"backup_id": str(lone(**backup).pk), **asked}
    if body.pop("source", None):
        body["source_volid"] = str(VolumeFactory().pk)
    before = Volume.objects.count()
    assert as_member.refused("POST", "/volumes", {"volume": body})[0] == code
    assert Volume.objects.count() == before
    assert not Operation.objects.exists()
