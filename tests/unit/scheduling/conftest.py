"""What the tests of scheduling share."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from kombu.transport import virtual

from scheduling.reports import REPORTS

sys.path.insert(0, str(Path(__file__).parent))

# A test says what is true, not how quick the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def knows_nothing():
    """Give every test a scheduler that has just started."""
    REPORTS.forget()
    yield
    REPORTS.forget()


@pytest.fixture(autouse=True)
def quick_broker(monkeypatch):
    """Let the in-memory broker look for messages more than once a second."""
    monkeypatch.setattr(virtual.Transport, "polling_interval", 0.01)
