"""A project's limit: shared by its jobs, not by other projects, and no wait for work that is to go on no more."""

import time
from types import SimpleNamespace

import pytest

from backups.limits import MIB, limit_for
from storage_site.operations.errors import LeaseLost

HELD = SimpleNamespace(is_held=True)


def test_two_jobs_of_a_project_share_its_limit_and_another_project_has_its_own(settings):
    settings.BACKUP_PROJECT_MAX_MIB_PER_S = 8
    began = time.monotonic()
    for _job in range(2):
        limit_for(HELD, "shared")(10 * MIB)
    assert time.monotonic() - began > 1  # 20 MiB, a second's worth at once
    again = time.monotonic()
    limit_for(HELD, "alone")(8 * MIB)
    assert time.monotonic() - again < 0.5


def test_without_a_limit_nobody_waits(settings):
    settings.BACKUP_PROJECT_MAX_MIB_PER_S = 0
    began = time.monotonic()
    limit_for(HELD, "any")(1024 * MIB)
    assert time.monotonic() - began < 0.5


def test_a_wait_ends_with_the_claim(settings):
    settings.BACKUP_PROJECT_MAX_MIB_PER_S = 1
    with pytest.raises(LeaseLost):
        limit_for(SimpleNamespace(is_held=False), "lost")(1024 * MIB)
