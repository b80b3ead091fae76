"""Keeping leases: what is held stays held, whatever happens to the renewals of others."""

import pytest
from django.db import InterfaceError

from storage_site.operations import leases
from storage_site.operations.errors import LeaseLost
from storage_site.operations.models import Operation
from tests.waiting import until


class Held:
    """A claim that counts its renewals, the first of which may fail."""

    is_held = True
    is_leaving = False
    operation = Operation()

    def __init__(self, failure: Exception | None = None) -> None:
        self.renewals = 0
        self._failure = failure

    def renew(self) -> None:
        self.renewals += 1
        if self._failure is not None and self.renewals == 1:
            raise self._failure


@pytest.fixture(autouse=True)
def fresh_thread():
    """Let no thread of an earlier test be asleep for as long as leases last there."""
    if leases._thread is not None:
        leases._wake.set()
        leases._thread.join(10)
        leases._wake.clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failure", [InterfaceError("connection already closed"), ValueError("unforeseen")])
def test_a_renewal_that_fails_in_any_way_does_not_end_the_others(settings, failure):
    settings.LEASE_S = 0.03
    failing, other = Held(failure), Held()
    with leases.kept(failing), leases.kept(other):
        until(lambda: failing.renewals > 2 and other.renewals > 2, "both are renewed again")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_leaving", "told"), [(True, []), (False, ["lease lost"])])
def test_a_claim_that_is_just_being_left_is_not_told_as_lost(settings, caplog, is_leaving, told):
    settings.LEASE_S = 0.03
    claimed = Held(LeaseLost())
    claimed.is_leaving = is_leaving
    with leases.kept(claimed):
        until(lambda: claimed.renewals > 1, "it is renewed")
    assert [record.message for record in caplog.records if record.message.startswith("lease")] == told
