"""Back-ends and a target in memory for the cells that are played in this process."""

import pytest
from celery import current_app

from backups import keys, targets
from drivers.backup import memory
from storage_site.operations import doorbell
from tests.matrix.bells import LocalWorkers

TARGET = "shelf"


@pytest.fixture
def workers(settings, tmp_path, transactional_db) -> LocalWorkers:
    settings.BACKUP_TARGETS = {TARGET: {"driver": "memory"}}
    settings.BACKUP_KEY_FILE, settings.DATA_DIR = tmp_path / "keys", tmp_path
    settings.BACKUP_CHECKPOINT_MIB = 1
    keys.make_file(tmp_path / "keys")
    targets.target.cache_clear()
    memory.forget(TARGET)
    doorbell._disconnect()
    assert current_app.conf.broker_url == "memory://"
    made = LocalWorkers(("mem1", "mem2"))
    made.take()
    yield made
    made.take()
    targets.target.cache_clear()
    memory.forget(TARGET)
