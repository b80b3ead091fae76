"""GET /scheduler-stats/get_pools, answered by a scheduler over a real (in-memory) broker."""

import pytest
from celery import current_app
from workers import listening, scheduler, told

from storage_site.operations.heartbeat import host_of
from tests import schemas
from tests.calls import Calls
from tests.factories import VolumeTypeFactory
from volumes import backends
from volumes.reporting import report_of

PATH = "/scheduler-stats/get_pools"
MEM1, MEM2 = f"{host_of('mem1')}#mem1", f"{host_of('mem2')}#mem2"


@pytest.fixture
def as_admin(db, admin):
    return Calls(admin)


@pytest.fixture(autouse=True)
def _a_scheduler(db):
    reports = [report_of(key, backends.driver(key)) for key in ("mem2", "mem1")]
    reports[0]["sent_at"] = "2026-11-22T15:34:49.772897+02:00"
    told(reports)
    with listening(scheduler()):
        yield


def names(answer):
    return [pool["name"] for pool in answer["pools"]]


def test_pools_are_listed_by_name(as_admin):
    assert as_admin.ok("GET", PATH) == {"pools": [{"name": MEM1}, {"name": MEM2}]}
    assert as_admin.ok("GET", f"{PATH}?detail=false", version=None) == {"pools": [{"name": MEM1}, {"name": MEM2}]}


def test_details_are_what_the_driver_reports_and_when(as_admin):
    answer = as_admin.ok("GET", f"{PATH}?detail=True")
    told_of = answer["pools"][1]["capabilities"]
    assert (told_of["pool_name"], told_of["volume_backend_name"]) == ("mem2", "mem2")
    assert (told_of["total_capacity_gb"], told_of["free_capacity_gb"]) == (100, 100)
    assert told_of["timestamp"] == "2026-11-22T13:34:49.772897"
    assert told_of["filter_function"] is None


@pytest.mark.parametrize("value", ["", "maybe", "2"])
def test_detail_is_a_truth_value(as_admin, value):
    assert as_admin.refused("GET", f"{PATH}?detail={value}")[0] == 400


@pytest.mark.parametrize(
    ("version", "query", "found"),
    [
        ("3.27", f"name={MEM1}&foo=1", [MEM1, MEM2]),
        ("3.28", f"name={MEM1}", [MEM1]),
        ("3.28", "name=nowhere", []),
        ("3.34", "limit=1", []),
        ("3.34", "volume_type=__DEFAULT__", []),
        ("3.35", f"name={MEM2}&detail=false", [MEM2]),
    ],
)
def test_filters_count_from_their_version_on(as_admin, version, query, found):
    query = query.replace("#", "%23")
    assert names(as_admin.ok("GET", f"{PATH}?{query}", version=version)) == found


def test_pools_that_suit_a_type_can_be_asked_for(as_admin):
    VolumeTypeFactory(name="second", extra_specs={"volume_backend_name": "mem2"})
    assert names(as_admin.ok("GET", f"{PATH}?volume_type=second", version="3.35")) == [MEM2]
    assert as_admin.refused("GET", f"{PATH}?volume_type=third", version="3.35")[0] == 404


def test_an_unknown_filter_is_refused(as_admin):
    refusal = as_admin.refused("GET", f"{PATH}?limit=1&foo=2", version="3.35")
    assert refusal == (400, "badRequest", "Invalid filters limit,foo are found in query options.")


def test_pools_are_for_administrators(db, member):
    assert Calls(member).refused("GET", PATH)[0] == 403


def test_without_a_broker_the_answer_says_so(as_admin, tmp_path, monkeypatch):
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{tmp_path}/none.sock")
    code, _, message = as_admin.refused("GET", PATH)
    assert (code, "broker does not answer" in message) == (503, True)


def test_what_a_back_end_can_do_is_told_by_its_name_and_by_its_host(as_admin):
    shown = as_admin.ok("GET", f"/capabilities/{host_of('mem2')}")
    assert shown["namespace"] == f"OS::Storage::Capabilities::{host_of('mem2')}"
    assert (shown["volume_backend_name"], shown["pool_name"]) == ("mem2", "mem2")
    assert shown["replication_targets"] == []
    assert shown["properties"]["qos"]["type"] == "boolean"
    bare = host_of("mem1").partition("@")[0]
    assert as_admin.ok("GET", f"/capabilities/{bare}")["pool_name"] == "mem1"
    assert as_admin.refused("GET", "/capabilities/nowhere")[0] == 404


POOL = {
    "volume_backend_name": schemas.TEXT,
    "vendor_name": schemas.TEXT,
    "driver_version": schemas.TEXT,
    "storage_protocol": schemas.TEXT,
    "pool_name": schemas.TEXT,
    "total_capacity_gb": {"type": ["number", "string"]},
    "free_capacity_gb": {"type": ["number", "string"]},
    "allocated_capacity_gb": {"type": "number"},
    "provisioned_capacity_gb": {"type": "number"},
    "reserved_percentage": schemas.INTEGER,
    "max_over_subscription_ratio": {"type": ["number", "string"]},
    "thin_provisioning_support": schemas.BOOLEAN,
    "thick_provisioning_support": schemas.BOOLEAN,
    "QoS_support": schemas.BOOLEAN,
    "multiattach": schemas.BOOLEAN,
    "online_extend_support": schemas.BOOLEAN,
    "backend_state": {"enum": ["up", "down"]},
    "filter_function": schemas.nullable(schemas.TEXT),
    "goodness_function": schemas.nullable(schemas.TEXT),
    "replication_enabled": schemas.BOOLEAN,
    "timestamp": schemas.TIME,
}
NOT_OF_ALL = ("replication_enabled",)  # only drivers that can replicate say so
CAPABILITIES = schemas.exactly(
    {
        "namespace": {"type": "string", "pattern": "^OS::Storage::Capabilities::.+@.+$"},
        **dict.fromkeys(("vendor_name", "volume_backend_name", "driver_version", "storage_protocol"), schemas.TEXT),
        **dict.fromkeys(("pool_name", "display_name", "description", "visibility"), schemas.nullable(schemas.TEXT)),
        "replication_targets": {"type": "array", "maxItems": 0},
        "properties": {
            "type": "object",
            "additionalProperties": schemas.exactly(dict.fromkeys(("title", "description", "type"), schemas.TEXT)),
        },
    }
)


@pytest.mark.parametrize("version", ["3.0", "3.27", "3.44", "3.60", "3.71"])
def test_pools_and_capabilities_have_the_members_that_clients_read(as_admin, version):
    for shown in as_admin.ok("GET", f"{PATH}?detail=true", version=version)["pools"]:
        assert set(shown) == {"name", "capabilities"}
        told_of = shown["capabilities"]
        schemas.check({**schemas.exactly(POOL, optional=NOT_OF_ALL), "additionalProperties": True}, told_of)
    for host in (host_of("mem1"), host_of("mem1").partition("@")[0]):
        schemas.check(CAPABILITIES, as_admin.ok("GET", f"/capabilities/{host}", version=version))
