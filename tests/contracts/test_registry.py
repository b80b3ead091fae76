"""Drivers are found by their names, and every one of ours can be."""

import sys
from pathlib import Path

import pytest

from drivers import registry
from drivers.errors import InvalidConfiguration
from drivers.volume.base import VolumeDriver


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_built_in_driver_can_be_loaded(name):
    assert issubclass(registry.load(name), VolumeDriver)
    assert name in registry.known()


def test_an_unknown_name_is_told_with_those_that_are_known():
    with pytest.raises(InvalidConfiguration, match=r"'floppy'; known are: .*local, memory"):
        registry.load("floppy")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package that offers the drivers `mine`, `broken` and, without success, `memory`."""
    folder = tmp_path / "others-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        f"[{registry.ENTRY_POINTS}]\n"
        "mine = drivers.volume.memory:MemoryDriver\nbroken = no_such_module:Driver\nmemory = no_such_module:Driver\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return Path(tmp_path)


def test_an_installed_package_can_add_a_driver_but_not_replace_one_of_ours(installed):
    assert registry.load("mine").__name__ == "MemoryDriver"
    assert registry.load("memory").__name__ == "MemoryDriver"
    assert {"mine", "broken"} <= set(registry.known())


def test_a_driver_that_cannot_be_imported_is_told_as_a_matter_of_settings(installed):
    with pytest.raises(InvalidConfiguration, match="no_such_module"):
        registry.load("broken")
