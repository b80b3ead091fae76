"""Health: what is missing is named, and what names back-ends is for this host and holders of the token."""

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from storage_site.watching import canaries, health

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"Accept": "application/json"}
PROXIED = {"X-Forwarded-For": "192.0.2.7"}


@pytest.fixture(autouse=True)
def nothing_remembered():
    health.MIGRATIONS.forget()
    health.BROKER.forget()
    yield
    health.MIGRATIONS.forget()
    health.BROKER.forget()


def test_a_process_with_everything_is_ready(client):
    answer = client.get("/healthz/ready", headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"detailed": False, "reasons": ["OK"], "unready": []})


def test_a_broker_that_does_not_answer_is_named(client, monkeypatch, tmp_path):
    from celery import current_app

    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{tmp_path}/nobody.sock")
    answer = client.get("/healthz/ready", headers=JSON)
    assert (answer.status_code, answer.json()["unready"]) == (503, ["broker"])
    assert b"broker" in client.get("/healthz/ready").content
    assert client.get("/healthz").status_code == 200


def test_a_migration_that_is_missing_is_named(client):
    applied = MigrationRecorder(connection)
    applied.record_unapplied("watching", "0002_tallies")
    try:
        answer = client.get("/healthz/ready", headers=JSON)
    finally:
        applied.record_applied("watching", "0002_tallies")
    assert (answer.status_code, answer.json()["unready"]) == (503, ["migrations"])
    assert "./celinder migrate" in answer.json()["reasons"][0]


def test_a_database_that_is_away_is_named_and_the_process_lives(client, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", refuse)
    assert client.get("/healthz/ready", headers=JSON).json()["unready"] == ["database"]
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz/live").status_code == 200


def test_whoever_asks_from_this_host_is_told_of_each_queue(client):
    canaries.send()
    found = client.get("/healthz", headers=JSON).json()
    assert [queue["queue"] for queue in found["queues"]] == canaries.known_queues()
    assert found["queues"][0]["ended_at"] is None
    assert found["queues"][0]["waiting_s"] >= 0


@pytest.mark.parametrize(
    ("headers", "address"),
    [(PROXIED, "127.0.0.1"), ({"Via": "1.1 proxy"}, "::1"), ({}, "192.0.2.1"), ({}, "")],
)
def test_others_are_not(client, headers, address):
    answer = client.get("/healthz", headers={**JSON, **headers}, REMOTE_ADDR=address).json()
    assert answer == {"detailed": False, "reasons": ["OK"]}


@pytest.mark.parametrize(("token", "is_told"), [("s3cret", True), ("other", False), ("", False)])
def test_the_token_opens_it_from_anywhere(client, settings, token, is_told):
    settings.WATCH_TOKEN = "s3cret"
    headers = {**JSON, **PROXIED, "Authorization": f"Bearer {token}"}
    assert ("queues" in client.get("/healthz", headers=headers).json()) is is_told


def test_no_token_in_the_settings_is_no_key(client, settings):
    settings.WATCH_TOKEN = ""
    headers = {**JSON, **PROXIED, "Authorization": "Bearer "}
    assert "queues" not in client.get("/healthz", headers=headers).json()
