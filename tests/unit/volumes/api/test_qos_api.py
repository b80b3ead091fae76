"""Contract 05, section 2: QoS specs over HTTP."""

import uuid

import pytest

from tests import schemas
from tests.factories import VolumeFactory, VolumeTypeFactory
from volumes.models import QosSpecs, VolumeType

SHAPE = schemas.exactly({"id": schemas.UUID, "name": schemas.TEXT, "consumer": schemas.TEXT, "specs": schemas.TEXTS})


@pytest.fixture
def gold(as_admin):
    body = {"qos_specs": {"name": "gold", "consumer": "front-end", "total_iops_sec": "500"}}
    return as_admin.ok("POST", "/qos-specs", body)["qos_specs"]


def test_specs_are_made_listed_shown_and_deleted(as_admin, gold):
    schemas.check(SHAPE, gold)
    assert gold["specs"] == {"total_iops_sec": "500"}
    shown = as_admin.ok("GET", f"/qos-specs/{gold['id']}")
    assert shown["qos_specs"] == gold
    assert [link["rel"] for link in shown["links"]] == ["self", "bookmark"]
    assert as_admin.ok("GET", "/qos-specs") == {"qos_specs": [gold]}
    assert as_admin("DELETE", f"/qos-specs/{gold['id']}").status_code == 202
    assert as_admin.refused("GET", f"/qos-specs/{gold['id']}")[0] == 404


def test_the_back_end_keeps_them_unless_somebody_else_is_named(as_admin):
    assert as_admin.ok("POST", "/qos-specs", {"qos_specs": {"name": "plain"}})["qos_specs"]["consumer"] == "back-end"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": None},
        {"name": "x" * 256},
        {"name": "x", "consumer": "nobody"},
        {"name": "x", "key": 5},
        {"name": "x", "key": None},
        {"name": "x", "key": "v" * 256},
        {"name": "x", "": "v"},
        {"name": "x", "k" * 256: "v"},
    ],
)
def test_malformed_specs_are_refused(as_admin, members):
    assert as_admin.refused("POST", "/qos-specs", {"qos_specs": members})[0] == 400
    assert not QosSpecs.objects.exists()


def test_a_name_is_taken_once(as_admin, gold):
    assert as_admin.refused("POST", "/qos-specs", {"qos_specs": {"name": "gold"}})[:2] == (409, "conflictingRequest")


def test_a_change_is_merged_and_echoed(as_admin, gold):
    body = {"qos_specs": {"read_iops_sec": "7", "consumer": "both", "name": "a limit of this name"}}
    assert as_admin.ok("PUT", f"/qos-specs/{gold['id']}", body) == body
    shown = as_admin.ok("GET", f"/qos-specs/{gold['id']}")["qos_specs"]
    assert (shown["name"], shown["consumer"]) == ("gold", "both")
    assert shown["specs"] == {"total_iops_sec": "500", "read_iops_sec": "7", "name": "a limit of this name"}
    assert as_admin.ok("PUT", f"/qos-specs/{gold['id']}", {"qos_specs": {}}) == {"qos_specs": {}}


def test_keys_are_removed_all_or_none(as_admin, gold):
    path = f"/qos-specs/{gold['id']}"
    assert as_admin.refused("PUT", f"{path}/delete_keys", {"keys": ["total_iops_sec", "other"]})[0] == 404
    assert as_admin.ok("GET", path)["qos_specs"]["specs"] == {"total_iops_sec": "500"}
    assert as_admin.refused("PUT", f"{path}/delete_keys", {"keys": ["a", "a"]})[0] == 400
    assert as_admin("PUT", f"{path}/delete_keys", {"keys": []}).status_code == 202
    assert as_admin("PUT", f"{path}/delete_keys", {"keys": ["total_iops_sec"]}).status_code == 202
    assert as_admin.ok("GET", path)["qos_specs"]["specs"] == {}


def test_a_type_has_one_set_of_specs_at_most(as_admin, gold):
    silver, path = VolumeTypeFactory(name="silver"), f"/qos-specs/{gold['id']}"
    assert as_admin("GET", f"{path}/associate?vol_type_id={silver.pk}").status_code == 202
    assert as_admin.ok("GET", f"/types/{silver.pk}")["volume_type"]["qos_specs_id"] == gold["id"]
    named = {"association_type": "volume_type", "name": "silver", "id": str(silver.pk)}
    assert as_admin.ok("GET", f"{path}/associations") == {"qos_associations": [named]}
    assert as_admin.refused("GET", f"{path}/associate?vol_type_id={silver.pk}")[0] == 400
    assert as_admin.refused("GET", f"{path}/associate")[0] == 400
    assert as_admin.refused("GET", f"{path}/associate?vol_type_id={uuid.uuid4()}")[0] == 404
    assert as_admin.refused("DELETE", path)[0] == 400
    for _ in range(2):
        assert as_admin("GET", f"{path}/disassociate?vol_type_id={silver.pk}").status_code == 202
    assert as_admin.ok("GET", f"{path}/associations") == {"qos_associations": []}


def test_specs_are_taken_from_all_their_types_at_once(as_admin, gold):
    for name in ("a", "b"):
        as_admin("GET", f"/qos-specs/{gold['id']}/associate?vol_type_id={VolumeTypeFactory(name=name).pk}")
    assert as_admin("GET", f"/qos-specs/{gold['id']}/disassociate_all").status_code == 202
    assert not VolumeType.objects.exclude(qos_specs=None).exists()


def test_by_force_specs_go_from_the_types_that_have_them(as_admin, gold):
    silver = VolumeTypeFactory(name="silver", qos_specs_id=gold["id"])
    assert as_admin("DELETE", f"/qos-specs/{gold['id']}?force=true").status_code == 202
    silver.refresh_from_db()
    assert silver.qos_specs is None


@pytest.mark.parametrize(
    ("consumer", "specs", "size", "limits"),
    [
        ("back-end", {"total_iops_sec": "5"}, 2, None),
        ("front-end", {"total_iops_sec": "5"}, 2, {"total_iops_sec": "5"}),
        ("both", {"read_iops_sec_per_gb": "5"}, 3, {"read_iops_sec": "15"}),
        ("front-end", {"read_iops_sec_per_gb": "5", "read_iops_sec_per_gb_min": "20"}, 3, {"read_iops_sec": "20"}),
        ("front-end", {"read_iops_sec_per_gb": "5", "read_iops_sec_per_gb_min": "20"}, 9, {"read_iops_sec": "45"}),
        ("front-end", {"read_iops_sec_per_gb": "many"}, 9, {}),
    ],
)
def test_a_host_is_told_the_limits_that_it_is_to_keep(consumer, specs, size, limits):
    assert QosSpecs(consumer=consumer, specs=specs).for_host(size) == limits


def test_the_connection_carries_what_the_host_is_to_keep(transactional_db, worker, as_member, on_storage):
    specs = QosSpecs.objects.create(name="gold", consumer="front-end", specs={"total_iops_sec_per_gb": "5"})
    volume = on_storage(volume_type=VolumeTypeFactory(qos_specs=specs), size_gib=2)
    body = {"attachment": {"volume_uuid": str(volume.pk), "connector": {"host": "h"}}}
    info = as_member.ok("POST", "/attachments", body)["attachment"]["connection_info"]
    assert info["qos_specs"] == {"total_iops_sec": "10"}


def test_volumes_of_no_limited_type_have_no_limits(transactional_db, worker, as_member, on_storage):
    body = {"attachment": {"volume_uuid": str(on_storage().pk), "connector": {"host": "h"}}}
    assert as_member.ok("POST", "/attachments", body)["attachment"]["connection_info"]["qos_specs"] is None


def test_what_a_volume_is_limited_by_is_for_administrators(as_member, gold):
    assert as_member.refused("GET", "/qos-specs")[0] == 403
    silver = VolumeTypeFactory(qos_specs_id=gold["id"])
    assert "qos_specs_id" not in as_member.ok("GET", f"/types/{silver.pk}")["volume_type"]
    assert VolumeFactory(volume_type=silver)
