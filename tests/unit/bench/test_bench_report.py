"""The benchmark of backups says of each step how it compares, and marks what is behind the aims."""

import os
from pathlib import Path

import pytest

from bench import report
from bench.images import MIB, SMALL, data_of, make_sparse
from bench.running import BenchFailed, Taken, run

ROUNDS = {
    "sparse full": {
        "Celinder": [Taken(1.0, 1.0, 90 * MIB, 50 * MIB), Taken(2.0, 1.0, 70 * MIB, 50 * MIB, server_cpu_s=1.0)],
        "restic": [Taken(20.0, 8.0, 99 * MIB), Taken(32.0, 8.0, 99 * MIB)],
        "borg": [Taken(1.0, 2.0, 99 * MIB), Taken(3.0, 2.0, 99 * MIB)],
    }
}


def test_ratios_are_the_median_of_those_of_each_round():
    found = report.as_json(ROUNDS, {})
    assert found["times_faster"] == {"sparse full": {"restic": 18.0, "borg": 1.25}}
    assert found["times_fewer_cpu_s"] == {"sparse full": {"restic": 6.0, "borg": 1.5}}
    assert found["peak_above_idle_mib"] == 40


def test_what_is_behind_the_aim_is_marked_and_nothing_else():
    text = report.table(ROUNDS, {"sparse full": 64 * MIB}, {"sparse full": "64 MiB"})
    (line,) = (line for line in text.splitlines() if line.startswith("sparse full   "))
    assert line.split() == ["sparse", "full", "18.0", "(15)", "1.2", "(2)", "!", "6.0", "1.5"]


def test_a_program_that_fails_ends_the_benchmark_with_its_own_words(tmp_path: Path):
    with pytest.raises(BenchFailed, match="no such thing"):
        run(["sh", "-c", "echo no such thing; exit 3"], tmp_path)


def test_a_programs_cpu_and_memory_are_its_own(tmp_path: Path):
    ballast = os.urandom(64 * MIB)
    taken, printed = run(["echo", str(len(ballast))], tmp_path)
    assert printed.strip() == str(64 * MIB)
    assert taken.peak_bytes < 32 * MIB


def test_a_sparse_image_has_its_data_and_nothing_else(tmp_path: Path):
    make_sparse(tmp_path / "image", SMALL)
    assert sum(length for _, length in data_of(tmp_path / "image")) == SMALL.sparse_mib * MIB
