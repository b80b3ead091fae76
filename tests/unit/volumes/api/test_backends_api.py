"""Contract 06, sections 1 to 3: freezing, failing over, log levels, clusters, hosts and cleaning up over HTTP."""

import logging
from datetime import timedelta

import pytest
from celery import Celery
from celery.utils.collections import AttributeDict
from django.utils import timezone

from storage_site.operations import remote
from storage_site.operations.models import Operation, Service
from tests import schemas
from tests.factories import OperationFactory, SnapshotFactory, VolumeFactory

HOST = "celinder@mem1"


@pytest.fixture
def services(db):
    def service(binary, host, **rest):
        return Service.objects.create(binary=binary, host=host, **{"zone": "nova", **rest})

    late = timezone.now() - timedelta(seconds=90)
    return {
        "scheduler": service("cinder-scheduler", "host1"),
        "mem1": service("cinder-volume", HOST, backend="mem1"),
        "mem2": service("cinder-volume", "celinder@mem2", backend="mem2", zone="east", last_seen_at=late),
    }


def test_a_back_end_is_frozen_and_thawed(as_admin, services):
    for word, is_frozen in (("freeze", True), ("thaw", False)):
        answer = as_admin("PUT", f"/os-services/{word}", {"host": HOST})
        assert (answer.status_code, answer.content) == (200, b"")
        services["mem1"].refresh_from_db()
        assert services["mem1"].is_frozen is is_frozen


@pytest.mark.parametrize(
    "body", [{}, {"host": "nowhere@x"}, {"host": HOST, "cluster": "c"}, {"cluster": "c"}, {"x": 1}]
)
def test_freezing_wants_one_back_end_that_there_is(as_admin, services, body):
    assert as_admin.refused("PUT", "/os-services/freeze", body)[0] == 400
    assert not Service.objects.filter(is_frozen=True).exists()


def test_no_back_end_pretends_to_fail_over(as_admin, services):
    for word in ("failover_host", "failover"):
        status, _, text = as_admin.refused("PUT", f"/os-services/{word}", {"host": HOST, "backend_id": "other"})
        assert status == 400
        assert "does not replicate" in text
    assert "could not be found" in as_admin.refused("PUT", "/os-services/failover_host", {"host": "x@y"})[2]


@pytest.fixture
def levels():
    """Give loggers their levels back afterwards."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = [(each, each.level) for each in loggers]
    yield
    for each, level in before:
        each.setLevel(level)


def test_the_log_levels_of_the_api_are_told_and_changed(as_admin, services, levels):
    chosen = {"binary": "cinder-api", "prefix": "volumes.quotas"}
    logging.getLogger("volumes.quotas")
    assert as_admin("PUT", "/os-services/set-log", {**chosen, "level": "debug"}).status_code == 202
    (told,) = as_admin.ok("PUT", "/os-services/get-log", chosen)["log_levels"]
    assert told["binary"] == "cinder-api"
    assert told["levels"] == {"volumes.quotas": "DEBUG"}
    as_admin("PUT", "/os-services/set-log", {**chosen, "level": "ERROR"})
    assert as_admin.ok("PUT", "/os-services/get-log", chosen)["log_levels"][0]["levels"]["volumes.quotas"] == "ERROR"


def test_a_worker_tells_and_changes_its_levels_if_it_is_meant(db, settings, levels):
    app = Celery("worker", broker="memory://", set_as_current=False)
    app.amqp.queues.select(["scheduler"])
    state, name = AttributeDict(app=app, hostname="worker", consumer=None), "volumes.quotas"
    logging.getLogger(name).setLevel("INFO")
    remote.set_log_level(state, level="DEBUG", prefix=name, binary="cinder-volume")
    (told,) = remote.log_levels_of_worker(state, prefix=name)
    assert (told["binary"], told["host"]) == ("cinder-scheduler", settings.NODE_HOST)
    assert told["levels"] == {name: "INFO"}
    remote.set_log_level(state, level="DEBUG", prefix=name, binary="cinder-scheduler")
    assert remote.log_levels_of_worker(state, prefix=name)[0]["levels"] == {name: "DEBUG"}


@pytest.mark.parametrize("body", [{}, {"level": "LOUD"}, {"level": None}, {"level": "INFO", "binary": "nova-api"}])
def test_a_malformed_log_level_is_refused(as_admin, services, body):
    assert as_admin.refused("PUT", "/os-services/set-log", body)[0] == 400


def test_there_are_no_clusters(as_admin, services):
    assert as_admin.ok("GET", "/clusters") == {"clusters": []}
    assert as_admin.ok("GET", "/clusters/detail?is_up=true") == {"clusters": []}
    assert as_admin.refused("GET", "/clusters?colour=red")[0] == 400
    assert as_admin.refused("GET", "/clusters/x")[0] == 404
    for word in ("enable", "disable"):
        assert as_admin.refused("PUT", f"/clusters/{word}", {"name": "x"})[0] == 404
    assert as_admin.refused("GET", "/clusters", version="3.6")[0] == 404


HOST_SHAPE = schemas.exactly(
    dict.fromkeys(
        ("host_name", "service", "zone", "service-status", "service-state", "last-update"),
        schemas.TEXT,
    )
)


def test_hosts_are_those_of_enabled_services(as_admin, services):
    Service.objects.filter(host=HOST).update(is_disabled=True)
    hosts = as_admin.ok("GET", "/os-hosts")["hosts"]
    for each in hosts:
        schemas.check(HOST_SHAPE, each)
    status = {each["host_name"]: each["service-status"] for each in hosts}
    assert status == {"host1": "available", "celinder@mem2": "unavailable"}
    assert [each["host_name"] for each in as_admin.ok("GET", "/os-hosts?zone=east")["hosts"]] == ["celinder@mem2"]


def test_a_host_tells_what_is_on_it_in_all_and_by_project(as_admin, services, stranger):
    volume = VolumeFactory(size_gib=3)
    SnapshotFactory(volume=volume, size_gib=2)
    VolumeFactory(size_gib=1, project_id=stranger.project_id)
    VolumeFactory(size_gib=9, backend="mem2")
    total, *projects = (each["resource"] for each in as_admin.ok("GET", f"/os-hosts/{HOST}")["host"])
    assert total == {
        "host": HOST,
        "project": "(total)",
        "volume_count": "2",
        "total_volume_gb": "4",
        "snapshot_count": "1",
        "total_snapshot_gb": "2",
    }
    assert {each["project"]: each["total_volume_gb"] for each in projects} == {
        volume.project_id: "3",
        stranger.project_id: "1",
    }
    assert as_admin.ok("GET", "/os-hosts/host1")["host"][0]["resource"]["volume_count"] == "0"
    assert as_admin.refused("GET", "/os-hosts/nowhere")[0] == 404
    assert as_admin.refused("PUT", f"/os-hosts/{HOST}", {})[:2] == (501, "notImplemented")


def test_cleaning_up_has_what_waits_taken_up_and_names_who_can(as_admin, services):
    OperationFactory(deadline_at=timezone.now() - timedelta(seconds=1))
    answer = as_admin.ok("POST", "/workers/cleanup", {}, status=202)
    assert [each["host"] for each in answer["cleaning"]] == ["host1", HOST]
    assert [each["host"] for each in answer["unavailable"]] == ["celinder@mem2"]
    shape = schemas.exactly(
        {"id": {"type": "integer"}, "host": schemas.TEXT, "binary": schemas.TEXT, "cluster_name": schemas.NULL}
    )
    schemas.check(shape, answer["cleaning"][0])
    assert Operation.objects.get().outcome == Operation.FAILED  # what was overdue has been ended


def test_cleaning_up_is_for_the_services_that_are_named(as_admin, services):
    answer = as_admin.ok("POST", "/workers/cleanup", {"binary": "cinder-volume", "is_up": False}, status=202)
    assert (answer["cleaning"], [each["host"] for each in answer["unavailable"]]) == ([], ["celinder@mem2"])
    answer = as_admin.ok("POST", "/workers/cleanup", {"host": HOST}, status=202)
    assert [each["host"] for each in answer["cleaning"]] == [HOST]
    for body in ({"binary": "x"}, {"colour": "red"}, {"resource_id": "3f1f1c1e-0000-4000-8000-000000000000"}):
        assert as_admin.refused("POST", "/workers/cleanup", body)[0] == 400
