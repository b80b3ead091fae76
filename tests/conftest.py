"""Fixtures that many tests share."""

import pytest

from drivers import memory_pool
from storage_site.caller import Caller
from volumes import backends
from volumes.models import Quota

PROJECT, OTHER_PROJECT = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def fresh_backends():
    """Give every test empty memory back-ends."""
    backends.driver.cache_clear()
    for key in ("mem1", "mem2"):
        memory_pool.forget(key)
    yield
    backends.driver.cache_clear()


@pytest.fixture
def member() -> Caller:
    return Caller(user_id="1" * 32, user_name="demo", project_id=PROJECT, roles=frozenset({"member"}))


@pytest.fixture
def admin() -> Caller:
    return Caller(user_id="2" * 32, user_name="admin", project_id=PROJECT, roles=frozenset({"admin"}))


@pytest.fixture
def stranger() -> Caller:
    return Caller(user_id="3" * 32, user_name="other", project_id=OTHER_PROJECT, roles=frozenset({"member"}))


@pytest.fixture
def no_limits(db) -> None:
    """Let the project have as much as it likes."""
    for resource in ("volumes", "gigabytes", "snapshots", "backups", "backup_gigabytes"):
        Quota.objects.create(project_id=PROJECT, resource=resource, limit=-1)
