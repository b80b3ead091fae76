"""A fleet that is watched: canaries in every queue, and what is told of a worker that stands still."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator

import pytest

from tests.fleets import Place, fleet
from tests.waiting import until

pytestmark = pytest.mark.fleet
QUEUES = ["scheduler", "backup", "volume-local"]


@pytest.fixture(scope="module")
def watched() -> Iterator[Place]:
    with fleet(CELINDER_CANARY_INTERVAL_S="2", CELINDER_SWEEP_INTERVAL_S="1", CELINDER_LEASE_S="4") as place:
        yield place


def asked(place: Place, path: str) -> str:
    request = urllib.request.Request(f"{place.url}{path}", headers={"Accept": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own http URL
        return answer.read().decode()


def told(place: Place) -> dict[str, dict]:
    return {queue["queue"]: queue for queue in json.loads(asked(place, "/healthz"))["queues"]}


def test_every_queue_answers_its_canary_within_a_few_seconds(watched):
    until(lambda: all(told(watched)[queue]["ended_at"] for queue in QUEUES), "every queue has answered", 30)
    assert max(told(watched)[queue]["took_s"] for queue in QUEUES) < 10
    assert json.loads(asked(watched, "/healthz/ready"))["reasons"] == ["OK"]


def test_a_worker_that_stands_still_is_seen_by_its_queue_alone(watched):
    still = watched.processes["backup"]
    os.kill(still, signal.SIGSTOP)
    try:
        until(lambda: (told(watched)["backup"]["waiting_s"] or 0) > 3, "the backup queue's canary waits", 30)
        before = told(watched)["scheduler"]["ended_at"]
        until(lambda: told(watched)["scheduler"]["ended_at"] > before, "the scheduler goes on answering", 30)
    finally:
        os.kill(still, signal.SIGCONT)
    until(lambda: told(watched)["backup"]["waiting_s"] is None, "it is answered when the worker goes on", 30)
