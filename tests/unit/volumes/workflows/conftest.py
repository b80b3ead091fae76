"""Two back-ends whose calls can be let fail."""

import pytest

from tests.faults import FaultyDriver
from volumes import backends


@pytest.fixture(autouse=True)
def faulty_backends(settings):
    settings.STORAGE_BACKENDS = {key: {"driver": "faulty", "size_gib": 10} for key in ("mem1", "mem2")}


@pytest.fixture
def first() -> FaultyDriver:
    return backends.driver("mem1")


@pytest.fixture
def second() -> FaultyDriver:
    return backends.driver("mem2")
