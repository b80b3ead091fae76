"""The directory in which the processes of a web server count: one for each server, none left."""

import os
import tempfile
from pathlib import Path

import pytest

from storage_site.fleet import counting


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(counting.VARIABLE, raising=False)
    yield tmp_path
    counting.end()


def test_it_is_private_and_goes_with_the_server(place):
    counting.begin()
    [made] = place.iterdir()
    assert os.environ[counting.VARIABLE] == str(made)
    assert made.stat().st_mode & 0o077 == 0
    counting.end()
    assert list(place.iterdir()) == []
    assert counting.VARIABLE not in os.environ


def test_what_a_server_that_was_killed_left_is_removed_and_that_of_a_living_one_is_not(place):
    counting.begin()
    living = Path(os.environ.pop(counting.VARIABLE))
    left = place / f"{counting.PREFIX}left"
    left.mkdir()
    (left / "lock").touch()
    (left / "counter_1.db").touch()
    counting.begin()
    assert not left.exists()
    assert living.exists()


def test_a_directory_that_somebody_named_is_used(place, monkeypatch):
    monkeypatch.setenv(counting.VARIABLE, str(place / "mine"))
    counting.begin()
    counting.end()
    assert list(place.iterdir()) == []
    assert os.environ[counting.VARIABLE] == str(place / "mine")
