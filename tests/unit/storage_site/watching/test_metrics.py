"""Metrics: the database's numbers at the time of the scrape, and requests by route, for those who may see them."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from backups.models import Repository
from storage_site.operations.claims import claim
from storage_site.operations.heartbeat import beat
from storage_site.operations.models import Operation, Service
from storage_site.watching import canaries, metrics, work
from tests.factories import OperationFactory, VolumeFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


class Found(dict):
    """Samples by name; of one name by labels."""

    def value(self, name: str, **labels: str) -> float:
        return self[f"celinder_{name}"][frozenset(labels.items())]


def scraped(client, **rest) -> Found:
    answer = client.get("/metrics", **rest)
    assert answer.status_code == 200, answer.content
    found = Found()
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def test_unfinished_work_is_told_by_queue_kind_and_standing(client):
    waiting = timezone.now() - timedelta(seconds=100)
    OperationFactory(not_before=waiting, created_at=waiting)
    held = OperationFactory()
    claim(str(held.id), task=held.task)
    found = scraped(client)
    of = {"queue": "volume-mem1", "resource": "volume", "verb": "delete"}
    standings = {it: found.value("operations_unfinished", **of, standing=it) for it in work.STANDINGS}
    assert standings == {"waiting": 1, "running": 1, "lost": 0, "postponed": 0, "overdue": 0}
    assert found.value("operations_unfinished_oldest_seconds", **of, status="deleting") >= 100
    assert found.value("queue_due", queue="volume-mem1") == 1
    assert found.value("queue_oldest_due_seconds", queue="volume-mem1") >= 100
    assert 0 <= found.value("queue_lease_age_seconds", queue="volume-mem1") < 10
    assert found.value("queue_due", queue="backup") == 0


def test_what_has_ended_is_told_by_resource_verb_and_outcome(client):
    scraped(client)
    OperationFactory(outcome="failed", finished_at=timezone.now())
    found = scraped(client)
    of = {"resource": "volume", "verb": "delete", "outcome": "failed"}
    assert found.value("operations_total", **of) == 1
    assert found.value("operation_seconds_total", **of) >= 0


def test_workers_canaries_pools_bells_and_repositories_are_told(client, settings):
    beat("backup")
    beat("volume-mem1")
    Service.objects.filter(backend="mem1").update(last_seen_at=timezone.now() - timedelta(hours=1))
    canaries.send()
    Repository.objects.create(
        target="volumebackups", repository_id="0" * 32, status="available", verified_at=timezone.now()
    )
    found = scraped(client)
    alive = [found.value("workers_alive", queue=queue) for queue in ("backup", "volume-mem1", "scheduler")]
    assert alive == [1, 0, 0]
    assert found.value("worker_seen_seconds", queue="volume-mem1", host=settings.NODE_HOST) > 3000
    assert found.value("canary_waiting_seconds", queue="backup") >= 0
    assert found.value("queue_bells", queue="backup") >= 1
    assert found.value("scheduler_answers") == 0
    assert found.value("repository_verified_age_seconds", target="volumebackups") < 10


def test_a_scrape_asks_a_fixed_number_of_questions(client):
    scraped(client)
    with CaptureQueriesContext(connection) as few:
        scraped(client)
    for _number in range(5):
        OperationFactory(volume=VolumeFactory(backend="mem2", status="deleting"), queue="volume-mem2")
        OperationFactory(outcome="failed", finished_at=timezone.now(), verb=f"verb-{_number}")
    with CaptureQueriesContext(connection) as many:
        scraped(client)
    assert len(many) == len(few) <= 12


def test_a_part_that_fails_costs_no_other(client, monkeypatch):
    def refuse() -> list:
        raise DatabaseError

    monkeypatch.setitem(metrics._sources, "unfinished", refuse)
    found = scraped(client)
    assert found.value("source_failed", source="unfinished") == 1
    assert found.value("source_failed", source="ended") == 0
    assert "celinder_workers_alive" in found


def test_a_source_has_one_name_and_one_function():
    metrics.register("ended", work.ended)
    with pytest.raises(ValueError, match="ended"):
        metrics.register("ended", work.bells)


# --- requests ----------------------------------------------------------------------------------------------------


def test_requests_are_counted_by_route_method_and_code_and_never_by_id(client):
    before = scraped(client)
    for number in range(20):
        client.get(f"/v3/{'a' * 32}/volumes/{number:032x}")
        client.get(f"/nowhere/{number}")
        client.generic(f"WORD{number}", "/healthz/live")
    after = scraped(client)
    more = set(after["celinder_http_requests_total"]) - set(before["celinder_http_requests_total"])
    assert len(more) <= 3
    assert after.value("http_requests_total", route="volume", method="GET", code="401") >= 20
    assert after.value("http_requests_total", route="none", method="GET", code="404") >= 20
    assert after.value("http_requests_total", route="health-live", method="other", code="200") >= 20
    assert after.value("http_request_duration_seconds_count", route="volume", method="GET") >= 20


# --- who may -----------------------------------------------------------------------------------------------------


def test_others_are_refused_and_the_token_opens_it(client, settings):
    from_elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.get("/metrics", **from_elsewhere).status_code == 403
    settings.WATCH_TOKEN = "s3cret"
    refused = client.get("/metrics", **from_elsewhere)
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    assert scraped(client, headers={"Authorization": "Bearer s3cret"}, **from_elsewhere)
    assert client.get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 401
    assert scraped(client)
    settings.WATCH_FROM_LOOPBACK = False
    assert client.get("/metrics").status_code == 401


def test_operations_are_not_named(client):
    operation = OperationFactory()
    text = client.get("/metrics").content.decode()
    assert str(operation.id) not in text
    assert operation.project_id not in text
    assert Operation.objects.count() == 1
