"""Everybody is told why work on a backup was not done, in words without places and hosts."""

import inspect

import pytest

from backups import repositories
from backups.engine import errors
from drivers.errors import DriverError, PermanentDriverError, StaleFence, TransientDriverError
from storage_site.operations.models import Operation
from storage_site.operations.telling import UNEXPLAINED, explanation_of

# What nobody meets: a claim that was lost says nothing, and a busy collector is looked for again.
SILENT = {errors.Cancelled, errors.CollectorBusy}


def faults():
    for module in (errors, repositories):
        for _, found in inspect.getmembers(module, inspect.isclass):
            if issubclass(found, DriverError) and found.__module__ == module.__name__ and found not in SILENT:
                yield found


@pytest.mark.parametrize("code", sorted({found.code for found in faults()} | {"backup-record-wrong"}))
def test_every_fault_of_a_backup_is_explained(code):
    assert explanation_of(Operation(fault_code=code)) != UNEXPLAINED


def test_there_are_faults_to_explain():
    assert len(set(faults())) > 5
    assert not {DriverError, PermanentDriverError, TransientDriverError, StaleFence} & set(faults())
