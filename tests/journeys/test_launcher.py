"""./celinder on a machine that is ready, or not quite; a bare one takes a machine of its own."""

import os
import subprocess

from tests.fleets import PROJECT


def celinder(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROJECT / "celinder"), *words],
        cwd="/",
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_alone_it_tells_what_there_is_and_prepares_nothing(tmp_path):
    venv = tmp_path / "venv"
    for words in ((), ("help",), ("--help",)):
        told = celinder(*words, CELINDER_VENV=str(venv))
        assert told.returncode == 0
        for command in ("demo", "up", "down", "test"):
            assert f"./celinder {command}" in told.stdout
    assert not venv.exists()


def test_a_folder_that_is_no_virtual_environment_is_neither_used_nor_emptied(tmp_path):
    (tmp_path / "mine").touch()
    told = celinder("version", CELINDER_VENV=str(tmp_path))
    assert told.returncode == 1
    assert "is not empty and no virtual environment" in told.stderr
    assert (tmp_path / "mine").exists()


def test_a_virtual_environment_of_another_python_is_refused(tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    (tmp_path / "lib" / "python3.12").mkdir(parents=True)
    told = celinder("version", CELINDER_VENV=str(tmp_path))
    assert told.returncode == 1
    assert "is not of Python 3.11" in told.stderr


def test_a_place_that_cannot_be_written_is_named():
    told = celinder("version", CELINDER_VENV="/proc/venv")
    assert told.returncode == 1
    assert "/proc/venv cannot be written" in told.stderr
