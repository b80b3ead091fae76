"""A fleet whose broker is away: reads answer, creates are accepted, and the sweep delivers when it is back."""

import os
import signal
import time

import pytest

from storage_site.fleet import demo_steps
from storage_site.fleet.demo_stage import LIMIT_S
from tests.fleets import fleet
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(240)]


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_reads_answer_and_creates_are_accepted_without_a_broker(how):
    with fleet(CELINDER_SWEEP_INTERVAL_S="2") as here:
        demo_steps.create_type(here.stage())
        client = here.stage().client("demo")
        os.kill(here.processes["broker"], how)
        started = time.monotonic()
        made = [client.volumes.create(1) for _ in range(3)]
        assert len(client.volumes.list()) == 3
        assert time.monotonic() - started < LIMIT_S / 2
        if how == signal.SIGSTOP:
            assert {client.volumes.get(volume.id).status for volume in made} == {"creating"}
            os.kill(here.processes["broker"], signal.SIGCONT)

        def all_made() -> bool:
            return {client.volumes.get(volume.id).status for volume in made} == {"available"}

        until(all_made, "the volumes are made", 60)
        here.down()
