"""Callers that speak the API."""

import pytest

from tests.calls import Calls


@pytest.fixture
def as_member(db, member) -> Calls:
    return Calls(member)


@pytest.fixture
def as_admin(db, admin) -> Calls:
    return Calls(admin)


@pytest.fixture
def as_stranger(db, stranger) -> Calls:
    return Calls(stranger)


@pytest.fixture
def as_nobody(db) -> Calls:
    return Calls(None)
