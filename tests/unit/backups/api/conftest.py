"""Callers that speak the API of backups."""

import pytest

from tests.calls import Calls


@pytest.fixture
def as_member(default_type, member) -> Calls:
    return Calls(member)


@pytest.fixture
def as_admin(default_type, admin) -> Calls:
    return Calls(admin)


@pytest.fixture
def as_stranger(default_type, stranger) -> Calls:
    return Calls(stranger)
