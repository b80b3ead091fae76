"""Contract 05 and contract 06, parts 1 and 3, row by row: what each refuses, with which code and text."""

import uuid

import pytest

from storage_site.operations.models import Service
from tests.conftest import OTHER_PROJECT, PROJECT
from tests.factories import QosSpecsFactory, SnapshotFactory, TransferFactory, VolumeFactory, VolumeTypeFactory
from tests.unit.volumes.api.test_rows_about_volumes import ANY, NOTHING, TOO_LONG, answered
from volumes.models import EncryptionType, Quota


def a_type(**fields):
    return str(VolumeTypeFactory(**fields).pk)


def used_type():
    return str(VolumeFactory(volume_type=VolumeTypeFactory(extra_specs={"a": "b"})).volume_type_id)


def private_type():
    made = VolumeTypeFactory(is_public=False)
    made.access.create(project_id=PROJECT)
    return str(made.pk)


def encrypted_type():
    made = VolumeTypeFactory()
    EncryptionType.objects.create(volume_type=made, provider="luks", control_location="front-end")
    return str(made.pk)


def qos(**fields):
    return str(QosSpecsFactory(**fields).pk)


def used_qos():
    return str(VolumeTypeFactory(qos_specs=QosSpecsFactory()).qos_specs_id)


def cached_type():
    return a_type(extra_specs={"cacheable": "<is> True"})


def the_default():
    return str(VolumeTypeFactory._meta.model.objects.get(name="__DEFAULT__").pk)


# --- contract 05, sections 1 and 2: types and QoS specs ----------------------------------------------------------

LUKS = {"encryption": {"provider": "luks", "control_location": "back-end"}}
LENIENT = {"encryption": {"provider": "", "control_location": "front-end", "key_size": "256", "x": 1}}
TYPES = [
    ("POST", "/types", {"volume_type": {"name": ""}}, 400),
    ("POST", "/types", {"volume_type": {"name": "  "}}, 400),
    ("POST", "/types", {"volume_type": {"name": TOO_LONG}}, 400),
    ("POST", "/types", {"volume_type": {}}, 400),
    ("POST", "/types", {"volume_type": {"name": "t", "x": 1}}, 400),
    ("POST", "/types", {"volume_type": {"name": "t", "os-volume-type-access:is_public": "maybe"}}, 400),
    ("POST", "/types", {"volume_type": {"name": "t", "description": None}}, 200),
    ("POST", "/types", {"volume_type": {"name": " __DEFAULT__ "}}, 200),
    ("POST", "/types", {"volume_type": {"name": "__DEFAULT__"}}, 409),
    ("POST", "/types", {"volume_type": {"name": "t", "extra_specs": {"a /b": "c", "d": None}}}, 200),
    ("POST", "/types", {"volume_type": {"name": "t", "extra_specs": {"a": 1}}}, 400),
    ("POST", "/types", {"volume_type": {"name": "t", "extra_specs": {"a": TOO_LONG}}}, 400),
    (
        "POST",
        "/types",
        {"volume_type": {"name": "t", "extra_specs": {"multiattach": "<is> True", "cacheable": "<is> True"}}},
        400,
    ),
    ("PUT", a_type, {"volume_type": {}}, 400),
    ("PUT", a_type, {"volume_type": {"name": None, "description": None, "is_public": None}}, 400),
    ("PUT", a_type, {"volume_type": {"name": " "}}, 400),
    ("PUT", a_type, {"volume_type": {"name": "__DEFAULT__"}}, 409),
    ("PUT", a_type, {"volume_type": {"is_public": False}}, 200),
    ("PUT", a_type, {"volume_type": {"extra_specs": {}}}, 400),
    ("DELETE", used_type, None, 400),
    ("DELETE", the_default, None, 400),
    ("DELETE", lambda: NOTHING, None, 404),
    ("GET", lambda: "__DEFAULT__", None, 404),
    ("POST", lambda: f"{used_type()}/extra_specs", {"extra_specs": {"c": "d"}}, 400),
    ("PUT", lambda: f"{used_type()}/extra_specs/a", {"a": "c"}, 400),
    ("DELETE", lambda: f"{used_type()}/extra_specs/a", None, 400),
    ("POST", lambda: f"{a_type()}/extra_specs", {"extra_specs": {"a b": "c"}}, 400),
    ("POST", lambda: f"{a_type()}/extra_specs", {"extra_specs": {"a/b": "c"}}, 400),
    ("POST", lambda: f"{a_type()}/extra_specs", {"extra_specs": {"a": None}}, 200),
    ("POST", lambda: f"{cached_type()}/extra_specs", {"extra_specs": {"multiattach": "<is> True"}}, 400),
    ("PUT", lambda: f"{a_type()}/extra_specs/a", {"b": "c"}, 400),
    ("PUT", lambda: f"{a_type()}/extra_specs/a", {"a": "c", "b": "c"}, 400),
    ("GET", lambda: f"{a_type()}/extra_specs/a", None, 404),
    ("DELETE", lambda: f"{a_type()}/extra_specs/a", None, 404),
    ("GET", lambda: f"{a_type()}/os-volume-type-access", None, 404),
    ("POST", lambda: f"{a_type()}/action", {"addProjectAccess": {"project": PROJECT}}, 400),
    ("POST", lambda: f"{private_type()}/action", {"addProjectAccess": {"project": PROJECT}}, 409),
    ("POST", lambda: f"{private_type()}/action", {"addProjectAccess": {}}, 400),
    ("POST", lambda: f"{a_type()}/action", {"removeProjectAccess": {"project": PROJECT}}, 400),
    ("POST", lambda: f"{private_type()}/action", {"removeProjectAccess": {"project": OTHER_PROJECT}}, 404),
    ("GET", lambda: f"{a_type()}/encryption/cipher", None, 404),
    ("GET", lambda: f"{encrypted_type()}/encryption/nothing", None, 404),
    ("POST", lambda: f"{encrypted_type()}/encryption", LUKS, 400),
    ("POST", lambda: f"{used_type()}/encryption", LUKS, 400),
    ("POST", lambda: f"{NOTHING}/encryption", LUKS, 404),
    ("POST", lambda: f"{a_type()}/encryption", {"encryption": {"provider": "luks"}}, 400),
    ("POST", lambda: f"{a_type()}/encryption", {"encryption": {"provider": "luks", "control_location": "x"}}, 400),
    ("POST", lambda: f"{a_type()}/encryption", {"encryption": {**LUKS["encryption"], "key_size": "x"}}, 400),
    ("POST", lambda: f"{a_type()}/encryption", LENIENT, 200),
    ("PUT", lambda: f"{a_type()}/encryption/provider", {"encryption": {"cipher": "aes"}}, 404),
    ("DELETE", lambda: f"{a_type()}/encryption/provider", None, 404),
    ("POST", "/qos-specs", {"qos_specs": {"name": ""}}, 400),
    ("POST", "/qos-specs", {"qos_specs": {}}, 400),
    ("POST", "/qos-specs", {"qos_specs": {"name": "q", "consumer": "x"}}, 400),
    ("POST", "/qos-specs", {"qos_specs": {"name": "q", "a b": "1"}}, 200),
    ("POST", "/qos-specs", {"qos_specs": {"name": "q", "a": 1}}, 400),
    ("POST", "/qos-specs", {"qos_specs": {"name": "q", "a": TOO_LONG}}, 400),
    ("PUT", lambda: f"/qos-specs/{qos()}", {"qos_specs": {}}, 200),
    ("PUT", lambda: f"/qos-specs/{qos()}", {"qos_specs": {"a": None}}, 200),
    ("PUT", lambda: f"/qos-specs/{qos()}", {"qos_specs": {"consumer": "x"}}, 400),
    ("PUT", lambda: f"/qos-specs/{NOTHING}", {"qos_specs": {}}, 404),
    ("PUT", lambda: f"/qos-specs/{qos()}/delete_keys", {"keys": []}, 202),
    ("PUT", lambda: f"/qos-specs/{qos()}/delete_keys", {"keys": ["absent"]}, 404),
    ("PUT", lambda: f"/qos-specs/{qos(specs={'a': 'b'})}/delete_keys", {"keys": ["a", "a"]}, 400),
    ("PUT", lambda: f"/qos-specs/{qos()}/delete_keys", {}, 400),
    ("GET", lambda: f"/qos-specs/{qos()}/associate", None, 400),
    ("GET", lambda: f"/qos-specs/{qos()}/associate?vol_type_id={NOTHING}", None, 404),
    ("GET", lambda: f"/qos-specs/{NOTHING}/associate?vol_type_id={a_type()}", None, 404),
    ("GET", lambda: f"/qos-specs/{qos()}/associate?vol_type_id={a_type(qos_specs=QosSpecsFactory())}", None, 400),
    ("GET", lambda: f"/qos-specs/{qos()}/disassociate?vol_type_id={a_type()}", None, 202),
    ("GET", lambda: f"/qos-specs/{qos()}/disassociate", None, 400),
    ("DELETE", lambda: f"/qos-specs/{used_qos()}", None, 400),
    ("DELETE", lambda: f"/qos-specs/{used_qos()}?force=true", None, 202),
    ("DELETE", lambda: f"/qos-specs/{qos()}?force=maybe", None, 400),
    ("PUT", "/default-types/x", {}, 400),
    ("PUT", "/default-types/x", {"default_type": {}}, 400),
    ("PUT", "/default-types/x", {"default_type": {"volume_type": "__DEFAULT__"}}, 404),
    ("GET", "/default-types/x", None, 404),
    ("DELETE", "/default-types/x", None, 204),
]  # fmt: skip


def is_named(place):
    return place if isinstance(place, str) else "made"


@pytest.mark.parametrize(("method", "place", "body", "code"), TYPES, ids=is_named)
def test_types_and_their_limits_are_as_their_rows_say(as_admin, default_type, method, place, body, code):  # noqa: PLR0917
    path = place if isinstance(place, str) else place()
    path = path if path.startswith("/") else f"/types/{path}"
    answered(as_admin, method, path, body, code, ANY, "3.71")


# --- contract 05, section 3: quotas ------------------------------------------------------------------------------

QUOTAS = [
    ({"volumes": 5}, 200),
    ({"volumes": "5"}, 200),
    ({"volumes": -1}, 200),
    ({"volumes": -2}, 400),
    ({"volumes": 2147483648}, 400),
    ({"volumes": "x"}, 400),
    ({"volumes": 1.5}, 400),
    ({"volumes": None}, 400),
    ({"nothing": 5}, 400),
    ({"volumes_nothing": 5}, 400),
    ({"volumes___DEFAULT__": 5, "tenant_id": "x", "id": "y"}, 200),
    ({}, 400),
]


@pytest.mark.parametrize(("members", "code"), QUOTAS)
def test_limits_are_set_as_their_row_says(as_admin, default_type, members, code):
    answered(as_admin, "PUT", f"/os-quota-sets/{PROJECT}", {"quota_set": members}, code, ANY, "3.71")


def test_a_class_may_be_given_nothing(as_admin, default_type):
    answered(as_admin, "PUT", "/os-quota-class-sets/own", {"quota_class_set": {}}, 200, ANY, "3.71")
    answered(as_admin, "PUT", "/os-quota-class-sets/own", {"quota_class_set": {"x": 1}}, 400, ANY, "3.71")


def test_no_limit_goes_below_what_is_used(as_admin, default_type):
    VolumeFactory.create_batch(2, size_gib=3)
    Quota.objects.create(project_id=PROJECT, resource="volumes", limit=5)
    text = "Quota volumes limit must be equal or greater than existing resources."
    answered(as_admin, "PUT", f"/os-quota-sets/{PROJECT}", {"quota_set": {"volumes": 1}}, 400, text, "3.71")
    answered(as_admin, "PUT", f"/os-quota-sets/{PROJECT}", {"quota_set": {"volumes": 2}}, 200, ANY, "3.71")


OVER = [
    ("volumes", 0, "VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'."),
    (
        "gigabytes",
        1,
        (
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
            "Requested 2G, quota is 1G and 0G has been consumed."
        ),
    ),
    ("per_volume_gigabytes", 1, "VolumeSizeExceedsLimit"),
    ("volumes___DEFAULT__", 0, "VolumeLimitExceeded"),
    ("gigabytes___DEFAULT__", 1, "VolumeSizeExceedsAvailableQuota"),
]


@pytest.mark.parametrize(("resource", "limit", "text"), OVER)
def test_what_is_over_a_limit_is_refused_by_its_name(as_member, default_type, resource, limit, text):
    Quota.objects.create(project_id=PROJECT, resource=resource, limit=limit)
    answer = as_member("POST", "/volumes", {"volume": {"size": 2}})
    assert (answer.status_code, answer["Retry-After"]) == (413, "0")
    assert answer.json()["overLimit"]["retryAfter"] == "0"
    assert answer.json()["overLimit"]["message"].startswith(text)


def test_growing_takes_the_difference(as_member, default_type):
    volume = VolumeFactory(size_gib=2)
    Quota.objects.create(project_id=PROJECT, resource="gigabytes", limit=4)
    path = f"/volumes/{volume.pk}/action"
    answered(as_member, "POST", path, {"os-extend": {"new_size": 5}}, 413, "VolumeSizeExceeds", "3.71")
    answered(as_member, "POST", path, {"os-extend": {"new_size": 4}}, 202, ANY, "3.71")


# --- contract 06, section 1: services ----------------------------------------------------------------------------

HOST = "celinder@mem1"
SERVICES = [
    ("enable", {"host": HOST, "binary": "cinder-volume"}, 200),
    ("enable", {"host": HOST, "service": "cinder-volume"}, 200),
    ("enable", {"host": HOST}, 400),
    ("enable", {"binary": "cinder-volume"}, 400),
    ("enable", {"host": HOST, "binary": "cinder-volume", "x": 1}, 400),
    ("enable", {"host": "nowhere", "binary": "cinder-volume"}, 404),
    ("disable", {"host": HOST, "binary": "cinder-nothing"}, 404),
    ("disable-log-reason", {"host": HOST, "binary": "cinder-volume", "disabled_reason": ""}, 400),
    ("disable-log-reason", {"host": HOST, "binary": "cinder-volume", "disabled_reason": "  "}, 400),
    ("disable-log-reason", {"host": HOST, "binary": "cinder-volume", "disabled_reason": TOO_LONG}, 400),
    ("disable-log-reason", {"host": HOST, "binary": "cinder-volume"}, 200),
    ("nothing", {"host": HOST, "binary": "cinder-volume"}, 404),
    ("get-log", {"binary": "x"}, 400),
    ("get-log", {"binary": "*"}, 200),
    ("get-log", {"binary": None}, 200),
    ("get-log", {"x": 1}, 400),
    ("set-log", {"binary": "cinder-api", "level": "LOUD"}, 400),
    ("set-log", {"binary": "cinder-api"}, 400),
]


@pytest.mark.parametrize(("word", "body", "code"), SERVICES)
def test_services_are_changed_as_their_row_says(as_admin, word, body, code):
    Service.objects.create(binary="cinder-volume", host=HOST, backend="mem1", zone="nova")
    answer = as_admin("PUT", f"/os-services/{word}", body)
    assert answer.status_code == code, answer.content


def test_the_word_that_was_not_given_comes_back_empty(as_admin):
    Service.objects.create(binary="cinder-volume", host=HOST, backend="mem1", zone="nova")
    for given, empty in (("binary", "service"), ("service", "binary")):
        answer = as_admin.ok("PUT", "/os-services/disable", {"host": HOST, given: "cinder-volume"})
        assert (answer[given], answer[empty]) == ("cinder-volume", "")
    answer = as_admin.ok("PUT", "/os-services/disable-log-reason", {"host": HOST, "binary": "cinder-volume"})
    assert answer["disabled_reason"] is None


# --- contract 06, part 3: transfers -------------------------------------------------------------------------------

TRANSFER = [
    ({"volume_id": NOTHING}, 404),
    ({"volume_id": "x"}, 400),
    ({}, 400),
    ({"volume_id": "{}", "name": 1}, 400),
    ({"volume_id": "{}", "name": None}, 202),
    ({"volume_id": "{}", "name": f" {'x' * 255} "}, 202),
    ({"volume_id": "{}", "name": TOO_LONG}, 400),
    ({"volume_id": "{}", "x": 1}, 400),
]


@pytest.mark.parametrize("path", ["/volume-transfers", "/os-volume-transfer"])
@pytest.mark.parametrize(("members", "code"), TRANSFER)
def test_an_offer_is_answered_as_its_row_says(as_member, default_type, path, members, code):
    if members.get("volume_id") == "{}":
        members = {**members, "volume_id": str(VolumeFactory().pk)}
    answered(as_member, "POST", path, {"transfer": members}, code, ANY, "3.71")


def test_only_what_is_at_rest_is_offered(as_member, default_type):
    text = "Invalid volume: status must be available"
    in_use = str(VolumeFactory(status="in-use").pk)
    answered(as_member, "POST", "/volume-transfers", {"transfer": {"volume_id": in_use}}, 400, text, "3.71")
    busy = str(SnapshotFactory(status="creating").volume_id)
    answered(as_member, "POST", "/volume-transfers", {"transfer": {"volume_id": busy}}, 400, ANY, "3.71")
    body = {"transfer": {"volume_id": busy, "no_snapshots": True}}
    answered(as_member, "POST", "/volume-transfers", body, 400, ANY, "3.54")
    answered(as_member, "POST", "/volume-transfers", body, 202, ANY, "3.55")


def test_an_offer_is_taken_with_its_key_only(as_member, as_stranger, default_type):
    transfer = str(TransferFactory().pk)
    text = f"Invalid auth key: Attempt to transfer {transfer} with invalid auth key."
    path = f"/volume-transfers/{transfer}/accept"
    answered(as_stranger, "POST", path, {"accept": {"auth_key": "0" * 16}}, 400, text, "3.71")
    answered(as_stranger, "POST", path, {"accept": {"auth_key": 1}}, 400, text, "3.71")
    answered(as_stranger, "POST", path, {"accept": {}}, 400, ANY, "3.71")
    for method in ("GET", "DELETE"):
        answered(as_stranger, method, f"/volume-transfers/{transfer}", None, 404, ANY, "3.71")
    other = f"/volume-transfers/{uuid.uuid4()}/accept"
    answered(as_stranger, "POST", other, {"accept": {"auth_key": "x"}}, 404, ANY, "3.71")


# --- contract 06, section 3 ---------------------------------------------------------------------------------------

READS = [
    ("/clusters", "3.6", 404),
    ("/clusters?foo=1", "3.7", 400),
    ("/clusters?limit=1", "3.7", 400),
    ("/clusters/c", "3.71", 404),
    ("/os-hosts/nowhere", "3.71", 404),
    ("/resource_filters", "3.32", 404),
    ("/resource_filters?resource=nothing", "3.33", 200),
    ("/extensions/nothing", "3.71", 404),
    ("/os-availability-zone/detail", "3.71", 404),
]


@pytest.mark.parametrize(("path", "version", "code"), READS)
def test_what_is_read_is_answered_as_its_row_says(as_admin, path, version, code):
    assert as_admin("GET", path, version=version).status_code == code


ALIASES = [
    "backups", "capabilities", "encryption", "os-admin-actions", "os-availability-zone",
    "os-extended-services", "os-extended-snapshot-attributes", "os-hosts", "os-quota-class-sets", "os-quota-sets",
    "os-services", "os-snapshot-actions", "os-types-extra-specs", "os-types-manage", "os-used-limits",
    "os-vol-host-attr", "os-vol-image-meta", "os-vol-mig-status-attr", "os-vol-tenant-attr", "os-volume-actions",
    "os-volume-encryption-metadata", "os-volume-transfer", "os-volume-type-access", "qos-specs", "scheduler-stats",
    "OS-SCH-HNT",
]  # fmt: skip


def test_extensions_name_what_there_is(as_member):
    told = {each["alias"] for each in as_member.ok("GET", "/extensions")["extensions"]}
    assert told >= set(ALIASES), set(ALIASES) - told
