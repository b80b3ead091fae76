"""Chaos, a little of it: one story while processes are killed. All of it is ./celinder chaos --seeds 20."""

import subprocess
import sys

import pytest

from storage_site.fleet.surroundings import neutral
from tests.fleets import PROJECT, short_folder

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(600)]


def test_a_volume_lives_through_the_deaths_of_processes_and_nothing_is_lost_or_left():
    with short_folder() as temporary:
        command = [sys.executable, str(PROJECT / "manage.py"), "chaos"]
        done = subprocess.run(
            [*command, "--seed", "3", "--seconds", "20", "--volumes", "1"],
            env=neutral() | {"CELINDER_SECRET_KEY": "unused", "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "lost 0, stuck 0, wrong bytes 0, left 0, other troubles 0" in done.stdout
        assert "seed 3: 0 kills" not in done.stdout
        assert list(temporary.iterdir()) == []
