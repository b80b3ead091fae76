"""Contract 02, sections 3 to 5: showing, changing and deleting a volume."""

import pytest
from django.utils import timezone

from storage_site.operations.models import Service
from tests import schemas
from tests.factories import AttachmentFactory, VolumeFactory, VolumeTypeFactory
from volumes.models import Volume

UNDELETABLE = (
    "Invalid volume: Volume status must be available or error or error_restoring or error_extending or "
    "error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or "
    "be disassociated from snapshots after volume transfer."
)


def attached_volume(**fields):
    volume = VolumeFactory(status="in-use", attached_mode="rw", is_readonly=False, **fields)
    AttachmentFactory(
        volume=volume, status="attached", host_name="h1", mountpoint="/dev/vdb", attached_at=timezone.now()
    )
    return volume


@pytest.mark.parametrize(
    "version", ["3.0", "3.13", "3.21", "3.27", "3.44", "3.48", "3.60", "3.61", "3.63", "3.65", "3.71"]
)
@pytest.mark.parametrize("role", ["member", "admin"])
def test_a_volume_has_exactly_the_members_of_its_version(request, role, version):
    calls = request.getfixturevalue(f"as_{role}")
    volume = attached_volume(image_metadata={"os_type": "linux"})
    expected = schemas.volume(version, is_admin=role == "admin", in_full=True)
    schemas.check(expected, calls.ok("GET", f"/volumes/{volume.pk}", version=version)["volume"])
    [listed] = calls.ok("GET", "/volumes/detail", version=version)["volumes"]
    schemas.check(expected, listed)
    changed = calls.ok("PUT", f"/volumes/{volume.pk}", {"volume": {"name": "x"}}, version=version)["volume"]
    schemas.check(schemas.volume(version, is_admin=role == "admin", in_full=False), changed)
    [short] = calls.ok("GET", "/volumes", version=version)["volumes"]
    schemas.check(schemas.VOLUME_SUMMARY, short)


def test_where_a_volume_lives_is_for_administrators(as_member, as_admin, settings):
    volume = VolumeFactory()
    shown = as_admin.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert shown["os-vol-host-attr:host"] == f"{settings.CLUSTER_HOST}@mem1#mem1"
    assert "os-vol-host-attr:host" not in as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]


def test_on_which_host_a_volume_is_used_is_for_administrators(as_member, as_admin):
    volume = attached_volume()
    for calls, host in ((as_member, None), (as_admin, "h1")):
        [entry] = calls.ok("GET", f"/volumes/{volume.pk}")["volume"]["attachments"]
        assert (entry["id"], entry["device"], entry["host_name"]) == (str(volume.pk), "/dev/vdb", host)


def test_only_finished_attachments_are_shown(as_member):
    volume = attached_volume()
    AttachmentFactory(volume=volume, status="attaching")
    AttachmentFactory(volume=volume, status="attached", is_listed=False)
    assert len(as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["attachments"]) == 1


def test_what_the_service_knows_of_the_use_stands_among_the_metadata(as_member):
    volume = attached_volume(metadata={"k": "v"})
    shown = as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert shown["metadata"] == {"k": "v", "readonly": "False", "attached_mode": "rw"}
    assert as_member.ok("GET", f"/volumes/{volume.pk}/metadata") == {"metadata": {"k": "v"}}


def test_a_volume_names_the_service_of_its_back_end(as_member):
    service = Service.objects.create(binary="cinder-volume", host="celinder@mem1", backend="mem1", zone="nova")
    shown = as_member.ok("GET", f"/volumes/{VolumeFactory().pk}")["volume"]
    assert (shown["service_uuid"], shown["shared_targets"]) == (str(service.uuid), False)


@pytest.mark.parametrize("given", ["0c4d1f0e-9c62-4b0d-8f25-0a1b2c3d4e5f", "x", "0", "%00", "a.b", "ü"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_id_of_any_syntax_is_not_found(as_member, given, method):
    body = {"volume": {"name": "x"}} if method == "PUT" else None
    code, name, message = as_member.refused(method, f"/volumes/{given}", body)
    assert (code, name) == (404, "itemNotFound")
    assert message == f"Volume {given} could not be found." or given == "%00"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_volume_of_another_project_is_not_there(as_stranger, as_admin, method):
    volume = VolumeFactory()
    body = {"volume": {"name": "x"}} if method == "PUT" else None
    assert as_stranger.refused(method, f"/volumes/{volume.pk}", body)[0] == 404
    assert Volume.objects.get().name == volume.name
    assert as_admin.ok("GET", f"/volumes/{volume.pk}")["volume"]["id"] == str(volume.pk)


# --- update ------------------------------------------------------------------------------------------------------


def update(calls, volume, **members):
    return calls("PUT", f"/volumes/{volume.pk}", {"volume": members}).json()


def test_names_and_metadata_are_replaced(as_member):
    volume = VolumeFactory(name="a", description="b", metadata={"k": "v"})
    changed = update(as_member, volume, name="c", metadata={"l": "w"})["volume"]
    assert (changed["name"], changed["description"], changed["metadata"]) == ("c", "b", {"l": "w"})
    assert changed["updated_at"] is not None
    assert update(as_member, volume, display_name="d", description=None)["volume"]["name"] == "d"
    assert update(as_member, volume, name="e", display_name="f")["volume"]["name"] == "e"
    volume.refresh_from_db()
    assert (volume.name, volume.description, volume.metadata) == ("e", None, {"l": "w"})


@pytest.mark.parametrize(
    "body", [{"size": 2}, {"status": "error"}, {"metadata": None}, {"name": 1}, {"metadata": {"k": 1}}]
)
@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_other_changes_are_refused_at_every_version(as_member, body, version):
    volume = VolumeFactory()
    assert as_member.refused("PUT", f"/volumes/{volume.pk}", {"volume": body}, version=version)[0] == 400


def test_changing_nothing_is_refused_from_3_53(as_member):
    path = f"/volumes/{VolumeFactory().pk}"
    as_member.ok("PUT", path, {"volume": {}}, version="3.52")
    assert as_member.refused("PUT", path, {"volume": {}}, version="3.53")[0] == 400


def test_a_volume_in_maintenance_is_not_changed(as_member):
    volume = VolumeFactory(status="maintenance")
    assert update(as_member, volume, name="x")["badRequest"]["code"] == 400


# --- delete ------------------------------------------------------------------------------------------------------


def delete(calls, volume, query="", **rest):
    return calls("DELETE", f"/volumes/{volume.pk}{query}", **rest)


def test_a_deleted_volume_is_shown_until_it_is_gone(as_member):
    volume = VolumeFactory()
    answer = delete(as_member, volume)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer["Content-Type"] == "text/html; charset=UTF-8"
    assert "x-compute-request-id" not in answer
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "deleting"


def test_a_volume_that_never_got_a_place_is_gone_at_once(as_member):
    volume = VolumeFactory(status="error", backend="", pool="")
    assert delete(as_member, volume).status_code == 202
    assert as_member.refused("GET", f"/volumes/{volume.pk}")[0] == 404


@pytest.mark.parametrize("status", ["creating", "in-use", "attaching", "deleting", "error_deleting", "maintenance"])
def test_a_volume_in_another_status_is_not_deleted(as_member, status):
    answer = delete(as_member, VolumeFactory(status=status))
    assert answer.json() == {"badRequest": {"code": 400, "message": UNDELETABLE}}


def test_an_attached_volume_is_not_deleted_even_by_force(as_member, as_admin):
    volume = attached_volume()
    assert delete(as_member, volume).status_code == 400
    assert delete(as_admin, volume, "?force=true").status_code == 400


def test_deleting_by_force_is_for_administrators_from_3_23(as_member, as_admin):
    volume = VolumeFactory(status="error_deleting")
    assert as_member.refused("DELETE", f"/volumes/{volume.pk}?force=true") == (
        403,
        "forbidden",
        "Policy doesn't allow volume:force_delete to be performed.",
    )
    assert delete(as_admin, volume, "?force=true", version="3.22").status_code == 400
    assert delete(as_admin, volume, "?force=true", version="3.23").status_code == 202


@pytest.mark.parametrize("word", ["cascade", "force"])
def test_a_word_that_is_no_truth_value_is_refused(as_member, word):
    path = f"/volumes/{VolumeFactory().pk}?{word}=maybe"
    assert as_member.refused("DELETE", path)[2] == f"Value 'maybe' for '{word}' is not a boolean."


def test_cascade_is_accepted(as_member):
    assert delete(as_member, VolumeFactory(), "?cascade=True").status_code == 202


# --- figures -----------------------------------------------------------------------------------------------------


def test_the_summary_counts_what_the_project_has(as_member, as_admin):
    VolumeFactory(size_gib=2, metadata={"k": "v"})
    VolumeFactory(size_gib=3, metadata={"k": "w", "l": "x"})
    VolumeFactory(size_gib=5, project_id="b" * 32)
    figures = {"total_count": 2, "total_size": 5}
    assert as_member.ok("GET", "/volumes/summary", version="3.12") == {"volume-summary": figures}
    with_metadata = figures | {"metadata": {"k": ["v", "w"], "l": ["x"]}}
    assert as_member.ok("GET", "/volumes/summary", version="3.36") == {"volume-summary": with_metadata}
    assert as_member.ok("GET", "/volumes/summary?all_tenants=1", version="3.12") == {"volume-summary": figures}
    everything = {"total_count": 3, "total_size": 10}
    assert as_admin.ok("GET", "/volumes/summary?all_tenants=1", version="3.12") == {"volume-summary": everything}
    assert as_admin.refused("GET", "/volumes/summary?all_tenants=x")[0] == 400


def test_the_summary_is_not_there_below_3_12(as_member):
    assert as_member.refused("GET", "/volumes/summary", version="3.11")[0] == 404


def test_an_empty_project_has_figures_too(as_member):
    expected = {"volume-summary": {"total_count": 0, "total_size": 0, "metadata": {}}}
    assert as_member.ok("GET", "/volumes/summary") == expected


def test_no_volume_is_encrypted(as_member):
    path = f"/volumes/{VolumeFactory().pk}/encryption"
    assert as_member.ok("GET", path) == {"encryption_key_id": None}
    assert as_member("GET", f"{path}/encryption_key_id").content == b""
    assert as_member.refused("GET", f"{path}/cipher")[0] == 404


def test_a_volume_without_a_type_shows_null(as_member):
    VolumeTypeFactory()
    shown = as_member.ok("GET", f"/volumes/{VolumeFactory(volume_type=None).pk}")["volume"]
    assert (shown["volume_type"], shown["volume_type_id"]) == (None, None)
