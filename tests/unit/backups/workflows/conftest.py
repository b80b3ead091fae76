"""A back-end whose calls can be let fail, a target in memory, and keys."""

import pytest

from backups import keys, targets
from drivers.backup import memory
from drivers.types import Fence
from tests.factories import VolumeFactory
from tests.faults import FaultyDriver
from volumes import backends
from volumes.models import Volume


@pytest.fixture(autouse=True)
def backup_service(settings, tmp_path):
    settings.STORAGE_BACKENDS = {"mem1": {"driver": "faulty", "size_gib": 100}}
    settings.BACKUP_TARGETS = {"shelf": {"driver": "memory"}}
    settings.BACKUP_KEY_FILE = tmp_path / "backup.keys"
    settings.DATA_DIR = tmp_path
    keys.make_file(settings.BACKUP_KEY_FILE)
    targets.target.cache_clear()
    memory.forget("shelf")
    yield
    targets.target.cache_clear()
    memory.forget("shelf")


@pytest.fixture
def driver() -> FaultyDriver:
    return backends.driver("mem1")


@pytest.fixture
def volume(driver) -> Volume:
    made = VolumeFactory(name="mine", metadata={"a": "1"})
    driver.inner.create_volume(made.ref(), Fence(0, 1))
    return made
