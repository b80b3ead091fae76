"""Each line of the Procfile does its work when it is started alone, from nothing but the environment."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery

from storage_site.fleet import procfile
from storage_site.fleet.address import free_port
from tests import servers
from tests.fleets import PROJECT, answers, place
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(120)]
LINES = {line.name: line for line in procfile.read(PROJECT / "Procfile")}


@pytest.fixture(scope="module")
def here():
    """Give a place whose database is migrated, beside a broker that somebody else runs."""
    with servers.valkey() as broker, place(CELERY_BROKER_URL=broker.url) as found:
        with started(found, "release") as release:
            assert release.wait(timeout=60) == 0
        yield found


@contextmanager
def started(here, name: str, **variables: str):
    """Run one line as a process runner does."""
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "sh", "-c", f"exec {LINES[name].command}"],
        cwd=PROJECT,
        env=here.environment | variables,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield child
    finally:
        child.terminate()
        assert child.wait(timeout=30) in {0, -15}


@pytest.mark.parametrize("name", [line.name for line in LINES.values() if line.is_worker])
def test_a_worker_takes_messages(here, name, monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", here.environment["CELERY_BROKER_URL"])  # before its setting, for Celery
    with started(here, name), Celery(set_as_current=False) as asking:
        until(lambda: name in nodes(asking), f"an answer of {name}")


def nodes(asking: Celery) -> set[str]:
    return {node.partition("@")[0] for reply in asking.control.ping(timeout=0.5) for node in reply}


def test_web_answers_where_celinder_bind_says(here):
    with started(here, "web"):
        until(here.answers, "an answer")


def test_web_answers_on_the_port_that_a_platform_gives(here):
    port = free_port()
    with started(here, "web", CELINDER_BIND="", PORT=str(port)):
        until(lambda: answers(f"http://127.0.0.1:{port}"), "an answer")


def test_beat_rings_again_and_leaves_no_file(here):
    before = sorted(os.listdir(PROJECT))  # noqa: PTH208 - names are enough
    read, write = os.pipe()
    child = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "sh", "-c", f"exec {LINES['beat'].command}"],
        cwd=PROJECT,
        env=here.environment | {"CELINDER_SWEEP_INTERVAL_S": "1"},
        stdout=write,
        stderr=write,
    )
    os.close(write)
    with os.fdopen(read) as output:
        assert any("Sending due task sweep" in line for line in output)
        child.terminate()
        child.wait(timeout=30)
    assert sorted(os.listdir(PROJECT)) == before  # noqa: PTH208 - likewise


def test_the_programs_of_all_lines_are_those_of_the_environment(here):
    for line in LINES.values():
        program = Path(sys.executable).with_name(line.command.split()[0])
        assert program.exists(), line
