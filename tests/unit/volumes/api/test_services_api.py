"""Contract 06 section 1 and contract 05 section 5: services, zones, extensions and filters over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.operations.models import Service
from tests import schemas


@pytest.fixture
def services(db):
    def service(binary, host, **rest):
        return Service.objects.create(binary=binary, host=host, **{"zone": "nova", **rest})

    return [
        service("cinder-scheduler", "host1"),
        service("cinder-volume", "celinder@mem1", backend="mem1"),
        service(
            "cinder-volume",
            "celinder@mem2",
            backend="mem2",
            zone="east",
            last_seen_at=timezone.now() - timedelta(seconds=90),
        ),
    ]


@pytest.mark.parametrize(
    ("version", "added"), [("3.0", ()), ("3.7", ("cluster",)), ("3.49", ("cluster", "backend_state"))]
)
def test_services_have_exactly_the_members_of_their_version(as_admin, services, version, added):
    for shown in as_admin.ok("GET", "/os-services", version=version)["services"]:
        is_volume = shown["binary"] == "cinder-volume"
        members = dict(schemas.VOLUME_SERVICE if is_volume else schemas.SERVICE)
        if "cluster" in added:
            members["cluster"] = schemas.NULL
        if "backend_state" in added and is_volume:
            members["backend_state"] = schemas.TEXT
        schemas.check(schemas.exactly(members), shown)


def test_a_service_that_was_not_heard_of_for_a_minute_is_down(as_admin, services):
    shown = as_admin.ok("GET", "/os-services")["services"]
    assert {each["host"]: each["state"] for each in shown} == {
        "host1": "up",
        "celinder@mem1": "up",
        "celinder@mem2": "down",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 3), ("binary=cinder-volume", 2), ("host=celinder@mem1", 1), ("host=celinder", 2), ("host=nothing", 0),
     ("service=cinder-volume", 3), ("limit=1", 3)],
)  # fmt: skip
def test_services_are_found_by_host_and_binary(as_admin, services, query, count):
    assert len(as_admin.ok("GET", f"/os-services?{query}")["services"]) == count


def test_a_service_rests_and_works_again(as_admin, services):
    name = {"host": "celinder@mem1", "binary": "cinder-volume"}
    answer = as_admin.ok("PUT", "/os-services/disable", name)
    assert answer == {**name, "service": "", "status": "disabled", "disabled": True}
    answer = as_admin.ok("PUT", "/os-services/disable-log-reason", {**name, "disabled_reason": "being moved"})
    expected = {**name, "service": "", "status": "disabled", "disabled": True, "disabled_reason": "being moved"}
    assert answer == expected
    [shown] = as_admin.ok("GET", "/os-services?host=celinder@mem1")["services"]
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "being moved")
    answer = as_admin.ok("PUT", "/os-services/enable", {"host": "celinder@mem1", "service": "cinder-volume"})
    assert answer == {
        "host": "celinder@mem1",
        "service": "cinder-volume",
        "binary": "",
        "status": "enabled",
        "disabled": False,
    }
    [shown] = as_admin.ok("GET", "/os-services?host=celinder@mem1")["services"]
    assert (shown["status"], shown["disabled_reason"]) == ("enabled", None)


@pytest.mark.parametrize("call", ["enable", "disable", "disable-log-reason"])
@pytest.mark.parametrize(
    ("body", "code"),
    [({}, 400), ({"host": "celinder@mem1"}, 400), ({"binary": "cinder-volume"}, 400), (None, 400), ([], 400),
     ({"host": "h 1", "binary": "cinder-volume"}, 400),
     ({"host": "celinder@mem1", "binary": "cinder-volume", "x": 1}, 400),
     ({"host": "nowhere", "binary": "cinder-volume"}, 404), ({"host": "celinder@mem1", "binary": "x"}, 404)],
)  # fmt: skip
def test_a_service_must_be_named(as_admin, services, call, body, code):
    assert as_admin.refused("PUT", f"/os-services/{call}", body)[0] == code


@pytest.mark.parametrize("reason", ["", "  ", "x" * 256, None, 1])
def test_a_reason_says_something(as_admin, services, reason):
    body = {"host": "celinder@mem1", "binary": "cinder-volume", "disabled_reason": reason}
    assert as_admin.refused("PUT", "/os-services/disable-log-reason", body)[0] == 400


def test_a_zone_is_available_while_one_of_its_services_works(as_member, services):
    Service.objects.filter(zone="east").update(is_disabled=True)
    shown = as_member.ok("GET", "/os-availability-zone")
    assert shown == {
        "availabilityZoneInfo": [
            {"zoneName": "east", "zoneState": {"available": False}},
            {"zoneName": "nova", "zoneState": {"available": True}},
        ]
    }
    assert as_member("GET", "/os-availability-zone/detail").status_code == 404


def test_extensions_are_listed_and_shown(as_member):
    listed = as_member.ok("GET", "/extensions")["extensions"]
    member = {"name": schemas.TEXT, "alias": schemas.TEXT, "description": schemas.TEXT, "updated": schemas.TEXT}
    schemas.check(schemas.listed(schemas.exactly({**member, "links": {"const": []}})), listed)
    assert as_member.ok("GET", "/extensions/os-services")["extension"] in listed
    assert {"alias": "os-hosts", "name": "Hosts"}.items() <= as_member.ok("GET", "/extensions/os-hosts")[
        "extension"
    ].items()
    assert {"backups", "encryption", "os-volume-transfer", "qos-specs", "scheduler-stats"} <= {
        each["alias"] for each in listed
    }
    assert as_member.refused("GET", "/extensions/nothing")[0] == 404


def test_the_configured_filters_are_shown_from_3_33(as_member):
    listed = as_member.ok("GET", "/resource_filters", version="3.33")["resource_filters"]
    assert {"resource": "backup", "filters": ["name", "status", "volume_id"]} in listed
    [volume] = as_member.ok("GET", "/resource_filters?resource=volume")["resource_filters"]
    assert volume["filters"][:3] == ["name", "status", "metadata"]
    assert as_member.ok("GET", "/resource_filters?resource=nothing") == {"resource_filters": []}
    assert as_member.refused("GET", "/resource_filters", version="3.32")[0] == 404
