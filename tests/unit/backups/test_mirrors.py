"""The folder of chunk tables: kept from job to job, bounded, and never taken from somebody who uses it."""

import os
import sqlite3
from pathlib import Path

import pytest

from backups.mirrors import MirrorUnusable, mirror_of
from tests.backup_images import backup, fresh_target, image, project

PROJECTS = ["a" * 32, "b" * 32, "c" * 32]


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.DATA_DIR, settings.BACKUP_INDEX_CACHE_MIB = tmp_path, 2048
    return tmp_path / "backup-index"


def job(project_id: str) -> None:
    store = project(fresh_target(project_id[0]), project_id)
    with mirror_of(store) as path:
        backup(store, image(8), "one", cache=path)


def kept(folder: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in folder.glob("*.sqlite3")}


def aged(folder: Path, seconds: int) -> None:
    for path in folder.glob("*.sqlite3"):
        os.utime(path, (path.stat().st_mtime - seconds,) * 2)


def test_what_a_job_learned_is_kept_for_the_next_one(folder):
    job(PROJECTS[0])
    assert len(list(folder.glob("*.sqlite3"))) == 1
    assert folder.stat().st_mode & 0o077 == 0


def test_what_was_not_used_for_the_longest_time_goes_first(folder, settings):
    job(PROJECTS[0])
    old = set(folder.glob("*.sqlite3"))
    aged(folder, 100)
    size_mib = sum(path.stat().st_size for path in folder.glob("*.sqlite3*")) / 1024**2
    settings.BACKUP_INDEX_CACHE_MIB = size_mib * 1.5
    job(PROJECTS[1])
    assert not old & set(folder.glob("*.sqlite3"))
    assert len(list(folder.glob("*.sqlite3"))) == 1


def test_what_somebody_uses_stays_however_large_it_is(folder, settings):
    settings.BACKUP_INDEX_CACHE_MIB = 0
    store = project(fresh_target("a"), PROJECTS[0])
    with mirror_of(store) as path:
        backup(store, image(8), "one", cache=path)
        job(PROJECTS[1])
        assert [found.name.removesuffix(".sqlite3")[-32:] for found in folder.glob("*.sqlite3")] == [PROJECTS[0]]
    assert not list(folder.glob("*.sqlite3"))


def test_a_table_that_somebody_holds_or_that_is_damaged_is_done_without(folder):
    job(PROJECTS[0])
    (path,) = folder.glob("*.sqlite3")
    store = project(fresh_target("a"), PROJECTS[0])
    with pytest.raises(MirrorUnusable), mirror_of(store):
        raise sqlite3.OperationalError("database is locked")
    with mirror_of(store, is_shared=False) as given:
        assert given is None
    kept_names = list(folder.glob("*.sqlite3"))
    assert kept_names == [path]


def test_a_damaged_table_goes(folder):
    store = project(fresh_target("a"), PROJECTS[0])
    with mirror_of(store) as path:
        backup(store, image(8), "one", cache=path)
    (table,) = folder.glob("*.sqlite3")
    for found in folder.glob("*.sqlite3-*"):
        found.unlink() if "lock" not in found.name else None
    table.write_bytes(b"no table at all" * 1000)
    with pytest.raises(MirrorUnusable), mirror_of(store) as path:
        backup(store, image(8), "two", cache=path)
    assert not table.exists()
    with mirror_of(store) as path:
        backup(store, image(8), "two", cache=path)
    assert table.exists()
