"""A broker per lane, workers per test, and a back-end whose volumes are made when the test says so."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings

from storage_site.operations import doorbell
from tests import servers
from tests.waiting import until
from tests.workers.processes import Worker, Workers

BROKER_PATIENCE_S = 3  # far below any work of these tests: a broker that could cut it short, would


@pytest.fixture(scope="session")
def valkey() -> Iterator[servers.Server]:
    with servers.valkey() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[servers.Server]:
    try:
        with servers.rabbitmq(consumer_timeout_ms=BROKER_PATIENCE_S * 1000) as server:
            yield server
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["valkey", "rabbitmq"])
def broker(request, monkeypatch) -> Iterator[servers.Server]:
    """The lane's broker, known to this process as well, which rings as the web process does."""
    yield from _known_here(request.getfixturevalue(request.param), monkeypatch)


@pytest.fixture
def valkey_lane(valkey, monkeypatch) -> Iterator[servers.Server]:
    """Valkey only, where the broker does not matter."""
    yield from _known_here(valkey, monkeypatch)


def _known_here(server: servers.Server, monkeypatch) -> Iterator[servers.Server]:
    doorbell._disconnect()
    monkeypatch.setattr(current_app.conf, "broker_url", server.url)
    monkeypatch.setattr(current_app.conf, "broker_write_url", server.url)
    monkeypatch.setattr(doorbell, "_breaker", doorbell._Breaker())
    yield server
    doorbell._disconnect()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="cel-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def gates(folder) -> Path:
    path = folder / "gates"
    path.mkdir()
    return path


@pytest.fixture
def workers(broker, folder, gates, monkeypatch, transactional_db) -> Iterator[Workers]:
    monkeypatch.setattr(settings, "LEASE_S", 3)
    backends = {"gated": {"driver": "gated", "path": str(folder / "pool"), "gates": str(gates)}}
    monkeypatch.setattr(settings, "STORAGE_BACKENDS", backends)
    made = Workers(folder, broker.url, backends)
    made.environment["CELINDER_BROKER_OPTIONS"] = json.dumps(
        {"visibility_timeout": BROKER_PATIENCE_S, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
        if broker.name == "valkey"
        else {}
    )
    yield made
    made.end()


def ready(*workers: Worker) -> None:
    for worker in workers:
        until(lambda worker=worker: worker.is_ready, f"{worker.name} is ready")
