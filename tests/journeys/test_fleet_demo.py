"""The demonstration itself: it works, again and from elsewhere, and leaves nothing when it is cut short."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage_site.fleet import leftovers
from storage_site.fleet.surroundings import neutral
from tests.fleets import PROJECT, short_folder

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(600)]


def demo(temporary: Path) -> subprocess.Popen[str]:
    (temporary / "t").mkdir()
    return subprocess.Popen(
        [sys.executable, str(PROJECT / "manage.py"), "demo"],
        cwd=temporary,
        env=neutral() | {"CELINDER_SECRET_KEY": "unused", "TMPDIR": str(temporary / "t")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def place_of(first_line: str) -> Path:
    return Path(first_line.removeprefix("A fleet in ").partition(",")[0])


@pytest.fixture
def temporary():
    with short_folder() as folder:
        yield folder


def test_the_demonstration_succeeds_from_another_directory_and_leaves_nothing(temporary):
    running = demo(temporary)
    output, _ = running.communicate(timeout=450)
    assert running.returncode == 0, output
    assert output.splitlines()[-1].startswith("The demonstration succeeded after ")
    assert list((temporary / "t").iterdir()) == []
    assert leftovers.processes(place_of(output.splitlines()[0])) == []


@pytest.mark.parametrize("moment", ["A fleet in", "Write 256 MiB"])
def test_interrupted_at_any_moment_it_leaves_nothing(temporary, moment):
    running = demo(temporary)
    first = running.stdout.readline()
    line = first
    while moment not in line:
        line = running.stdout.readline()
        assert line, "it ended before that moment"
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=100)
    assert running.returncode == 130, rest
    assert "was interrupted" in rest
    assert list((temporary / "t").iterdir()) == []
    assert leftovers.processes(place_of(first)) == []
