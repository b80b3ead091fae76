"""A fleet that is watched: canaries in every queue, and what is told of a worker that stands still."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage_site.fleet import counting
from tests.fleets import Place, fleet
from tests.waiting import until

pytestmark = pytest.mark.fleet
QUEUES = ["scheduler", "backup", "volume-local"]


@pytest.fixture(scope="module")
def watched() -> Iterator[Place]:
    variables = {"CELINDER_CANARY_INTERVAL_S": "2", "CELINDER_SWEEP_INTERVAL_S": "1", "CELINDER_LEASE_S": "4"}
    with fleet(**variables, WEB_CONCURRENCY="2") as place:
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


def scraped(place: Place) -> dict[tuple[str, str], float]:
    samples = [it for family in text_string_to_metric_families(asked(place, "/metrics")) for it in family.samples]
    return {(it.name, it.labels.get("route") or it.labels.get("queue") or ""): it.value for it in samples}


def test_any_of_several_web_processes_tells_the_requests_of_all_and_what_workers_do(watched):
    wanted = ("celinder_http_requests_total", "health-live")
    before = scraped(watched).get(wanted, 0)
    for _number in range(30):
        asked(watched, "/healthz/live")
    assert {scraped(watched)[wanted] for _number in range(6)} == {before + 30}
    found = scraped(watched)
    assert found["celinder_broker_answers", ""] == found["celinder_scheduler_answers", ""] == 1
    assert [found["celinder_workers_alive", queue] for queue in QUEUES] == [1, 1, 1]
    assert ("celinder_pool_gib", "") in found


def test_the_counts_go_with_the_web_process():
    with fleet() as place:
        asked(place, "/healthz/live")
        [child, *_others] = psutil.Process(place.processes["web"]).children()
        [folder] = {Path(it.path).parent for it in child.memory_maps() if counting.PREFIX in it.path}
        place.down()
    assert not folder.exists()
