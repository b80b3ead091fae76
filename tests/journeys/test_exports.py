"""Exports of a fleet whose processes die: they outlive the worker, and come back when they die themselves."""

import os
import signal

import pytest

from drivers.connect import open_connection
from drivers.errors import TransientDriverError
from storage_site.fleet import demo_steps, leftovers
from tests.fleets import Place, fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240)]
PATTERN = os.urandom(1 << 20)


def attached(here: Place) -> demo_steps.Stage:
    stage = here.stage()
    demo_steps.create_type(stage)
    demo_steps.create_volume(stage)
    demo_steps.attach(stage)
    with open_connection(stage.connection_info) as connection:
        connection.pwrite(PATTERN, 0)
        connection.flush()
    return stage


def exporter(here: Place) -> int | None:
    found = [one for one in leftovers.processes(here.root) if "qemu-storage-daemon" in str(one)]
    return found[0].pid if found else None


def reads_back(stage: demo_steps.Stage) -> bool:
    try:
        with open_connection(stage.connection_info) as connection:
            return bytes(connection.pread(len(PATTERN), 0)) == PATTERN
    except TransientDriverError:
        return False


def test_an_export_that_is_killed_comes_back_with_what_was_flushed():
    with fleet(CELINDER_REPORT_INTERVAL_S="1") as here:
        stage = attached(here)
        killed = exporter(here)
        os.kill(killed, signal.SIGKILL)
        until(lambda: reads_back(stage), "the export answers again, with the same connection information")
        assert exporter(here) not in {None, killed}
        demo_steps.detach(stage)
        assert exporter(here) is None
        here.down()


def test_a_killed_volume_worker_leaves_its_exports_and_the_next_one_knows_them():
    with fleet(CELINDER_REPORT_INTERVAL_S="1") as here:
        stage = attached(here)
        serving = exporter(here)
        killed = here.processes["volume-local"]
        os.kill(killed, signal.SIGKILL)
        assert reads_back(stage)
        demo_steps.detach(stage)
        demo_steps.attach(stage)
        assert exporter(here) != serving
        assert reads_back(stage)
        here.down()
