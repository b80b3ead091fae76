"""A job's memory does not depend on the size of the volume."""

import json
import subprocess
import sys

import pytest

MIB, TIB = 1024**2, 1024**4


def peaks(size: int, data: list[tuple[int, int]]) -> dict[str, float]:
    """Return what a process of its own needed above what it had before the job."""
    call = [sys.executable, "-m", "tests.backup_memory", json.dumps([size, data])]
    found = subprocess.run(call, capture_output=True, text=True, timeout=100, check=True)
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("size", "data"),
    [
        pytest.param(256 * MIB, [(0, 256 * MIB)], id="full of data"),
        pytest.param(64 * TIB, [(tib * TIB, MIB) for tib in range(0, 64, 2)], id="64 TiB with little data"),
    ],
)
def test_a_job_stays_within_128_mib(size, data):
    found = peaks(size, data)
    assert max(found["backup"], found["restore"], found["verify"]) < 128 * MIB, found
