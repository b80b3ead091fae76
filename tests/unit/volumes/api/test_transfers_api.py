"""Contract 06, part 3: transfers over HTTP."""

import uuid

import pytest

from tests import schemas
from tests.factories import SnapshotFactory, VolumeFactory
from volumes.models import Quota, Transfer, Volume

PATHS = ("/os-volume-transfer", "/volume-transfers")
SUMMARY = {
    "id": schemas.UUID,
    "volume_id": schemas.UUID,
    "name": schemas.nullable(schemas.TEXT),
    "links": schemas.LINKS,
}
DETAIL = {**SUMMARY, "created_at": schemas.TEXT}
AT_3_55 = {**DETAIL, "no_snapshots": schemas.BOOLEAN}
AT_3_57 = {
    **AT_3_55,
    "source_project_id": schemas.TEXT,
    "destination_project_id": schemas.nullable(schemas.TEXT),
    "accepted": schemas.BOOLEAN,
}
SHAPES = {"3.0": DETAIL, "3.54": DETAIL, "3.55": AT_3_55, "3.56": AT_3_55, "3.57": AT_3_57, "3.71": AT_3_57}


@pytest.fixture
def volume(db):
    return VolumeFactory(name="given")


def offered(calls, volume, path="/volume-transfers", **members):
    return calls.ok("POST", path, {"transfer": {"volume_id": str(volume.pk), **members}}, status=202)["transfer"]


def accept(transfer, path="/volume-transfers", key=None):
    return "POST", f"{path}/{transfer['id']}/accept", {"accept": {"auth_key": key or transfer["auth_key"]}}


@pytest.mark.parametrize("path", PATHS)
def test_a_transfer_is_found_by_its_name_by_members_as_well_as_clients_do(as_member, as_stranger, volume, path):
    transfer = offered(as_member, volume, path, name="gift")
    for name, wanted in (("gift", [transfer["id"]]), ("other", [])):
        found = as_member.ok("GET", f"{path}/detail?all_tenants=1&name={name}")["transfers"]
        assert [each["id"] for each in found] == wanted
    assert as_stranger.ok("GET", f"{path}?name=gift")["transfers"] == []


@pytest.mark.parametrize("path", PATHS)
def test_a_volume_that_is_given_away_belongs_to_who_accepts_it(as_member, as_stranger, volume, stranger, path):
    transfer = offered(as_member, volume, path, name=" gift ")
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "awaiting-transfer"
    assert transfer["name"] == "gift"
    assert len(transfer["auth_key"]) == 16
    answer = as_stranger.ok(*accept(transfer, path), status=202)["transfer"]
    schemas.check(schemas.exactly(SUMMARY), answer)
    mine = as_stranger.ok("GET", f"/volumes/{volume.pk}")["volume"]
    assert (mine["status"], mine["user_id"]) == ("available", stranger.user_id)
    assert as_member.refused("GET", f"/volumes/{volume.pk}")[0] == 404
    for calls in (as_member, as_stranger):
        assert calls.refused("GET", f"{path}/{transfer['id']}")[0] == 404
    assert as_stranger.refused(*accept(transfer, path))[0] == 404


@pytest.mark.parametrize("version", SHAPES)
def test_an_offer_has_exactly_its_members(as_member, volume, version):
    made = as_member.ok(
        "POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}}, version=version, status=202
    )
    schemas.check(schemas.exactly({**SHAPES[version], "auth_key": schemas.TEXT}), made["transfer"])
    shown = as_member.ok("GET", f"/volume-transfers/{made['transfer']['id']}", version=version)["transfer"]
    schemas.check(schemas.exactly(SHAPES[version]), shown)
    (listed,) = as_member.ok("GET", "/volume-transfers", version=version)["transfers"]
    schemas.check(schemas.exactly(SUMMARY), listed)
    (in_full,) = as_member.ok("GET", "/volume-transfers/detail", version=version)["transfers"]
    assert in_full == shown


def test_an_offer_is_seen_by_who_makes_it_and_by_administrators(as_member, as_stranger, as_admin, volume):
    transfer = offered(as_member, volume)
    assert as_stranger.ok("GET", "/volume-transfers")["transfers"] == []
    for method in ("GET", "DELETE"):
        assert as_stranger.refused(method, f"/volume-transfers/{transfer['id']}")[0] == 404
    assert as_admin.ok("GET", f"/volume-transfers/{transfer['id']}")["transfer"]["id"] == transfer["id"]
    assert len(as_admin.ok("GET", "/volume-transfers?all_tenants=1")["transfers"]) == 1


def test_an_offer_can_be_taken_back(as_member, as_stranger, volume):
    transfer = offered(as_member, volume)
    assert as_member("DELETE", f"/volume-transfers/{transfer['id']}").status_code == 202
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "available"
    assert as_stranger.refused(*accept(transfer))[0] == 404


def test_the_key_is_kept_by_nobody_and_a_wrong_one_opens_nothing(as_member, as_stranger, volume):
    transfer = offered(as_member, volume)
    assert transfer["auth_key"] not in repr(vars(Transfer.objects.get()))
    status, _, message = as_stranger.refused(*accept(transfer, key="0" * 16))
    assert (status, message) == (
        400,
        f"Invalid auth key: Attempt to transfer {transfer['id']} with invalid auth key.",
    )
    assert as_stranger.refused(*accept(transfer, key=12))[0] == 400
    assert Volume.objects.get().project_id == volume.project_id


@pytest.mark.parametrize("status", ["in-use", "error", "awaiting-transfer", "creating"])
def test_only_what_is_available_can_be_offered(as_member, status):
    volume = VolumeFactory(status=status)
    answer = as_member.refused("POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}})
    assert (answer[0], answer[2]) == (400, "Invalid volume: status must be available")
    assert not Transfer.objects.exists()


def test_snapshots_go_with_their_volume_unless_they_are_to_stay(as_member, as_stranger, stranger, member):
    for stays, owner in ((False, stranger), (True, member)):
        volume = VolumeFactory()
        snapshot = SnapshotFactory(volume=volume)
        as_stranger.ok(*accept(offered(as_member, volume, no_snapshots=stays)), status=202)
        snapshot.refresh_from_db()
        assert snapshot.project_id == owner.project_id


def test_a_snapshot_that_is_busy_keeps_its_volume_from_being_offered(as_member, volume):
    SnapshotFactory(volume=volume, status="creating")
    assert as_member.refused("POST", "/volume-transfers", {"transfer": {"volume_id": str(volume.pk)}})[0] == 400
    offered(as_member, volume, no_snapshots=True)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"volumes": 0}, "VolumeLimitExceeded"),
        ({"gigabytes": 3}, "VolumeSizeExceedsAvailableQuota"),
        ({"snapshots": 0}, "SnapshotLimitExceeded"),
        ({"per_volume_gigabytes": 1}, "VolumeSizeExceedsLimit"),
        ({"volumes___DEFAULT__": 0}, "VolumeLimitExceeded"),
    ],
)
def test_a_quota_of_the_receiver_refuses_and_changes_nothing(as_member, as_stranger, stranger, limits, message):
    volume = VolumeFactory(size_gib=2)
    SnapshotFactory(volume=volume, size_gib=2)
    transfer = offered(as_member, volume)
    for resource, limit in limits.items():
        Quota.objects.create(project_id=stranger.project_id, resource=resource, limit=limit)
    status, _, text = as_stranger.refused(*accept(transfer))
    assert status == 413
    assert text.startswith(message)
    volume.refresh_from_db()
    assert (volume.status, volume.project_id) == ("awaiting-transfer", transfer["source_project_id"])
    Quota.objects.all().delete()
    as_stranger.ok(*accept(transfer), status=202)


def test_what_fits_exactly_is_accepted(as_member, as_stranger, stranger):
    volume = VolumeFactory(size_gib=2)
    SnapshotFactory(volume=volume, size_gib=2)
    for resource, limit in {"volumes": 1, "snapshots": 1, "gigabytes": 4}.items():
        Quota.objects.create(project_id=stranger.project_id, resource=resource, limit=limit)
    as_stranger.ok(*accept(offered(as_member, volume)), status=202)


def test_the_donor_may_accept_its_own_offer(as_member, volume):
    as_member.ok(*accept(offered(as_member, volume)), status=202)
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "available"


def test_an_offer_that_an_operator_voided_can_be_made_anew(as_member, as_admin, as_stranger, volume):
    void = offered(as_member, volume)
    as_admin("POST", f"/volumes/{volume.pk}/action", {"os-reset_status": {"status": "available"}})
    transfer = offered(as_member, volume)
    assert as_stranger.refused(*accept(void))[0] == 404
    as_admin("POST", f"/volumes/{volume.pk}/action", {"os-reset_status": {"status": "error"}})
    assert as_stranger.refused(*accept(transfer))[0] == 400
    as_member("DELETE", f"/volume-transfers/{transfer['id']}")
    assert as_member.ok("GET", f"/volumes/{volume.pk}")["volume"]["status"] == "error"


@pytest.mark.parametrize(
    "body",
    [{}, {"transfer": None}, {"transfer": {}}, {"transfer": {"volume_id": "x"}}, {"transfer": {"volume_id": None}}],
)
def test_a_malformed_offer_is_refused(as_member, body):
    assert as_member.refused("POST", "/volume-transfers", body)[0] == 400


def test_members_that_a_path_or_version_does_not_know_are_refused(as_member, volume):
    body = {"transfer": {"volume_id": str(volume.pk), "no_snapshots": True}}
    assert as_member.refused("POST", "/os-volume-transfer", body)[0] == 400
    assert as_member.refused("POST", "/volume-transfers", body, version="3.54")[0] == 400
    body = {"transfer": {"volume_id": str(volume.pk), "name": 7}}
    assert as_member.refused("POST", "/volume-transfers", body)[0] == 400
    assert as_member.refused("POST", "/volume-transfers", {"transfer": {"volume_id": str(uuid.uuid4())}})[0] == 404


@pytest.mark.parametrize("body", [{}, {"accept": {}}, {"accept": {"auth_key": None}}, {"accept": {"auth_key": True}}])
def test_a_malformed_acceptance_is_refused(as_member, as_stranger, volume, body):
    transfer = offered(as_member, volume)
    assert as_stranger.refused("POST", f"/volume-transfers/{transfer['id']}/accept", body)[0] == 400
    assert as_stranger.refused("POST", "/volume-transfers/x/accept", {"accept": {"auth_key": "1"}})[0] == 404
