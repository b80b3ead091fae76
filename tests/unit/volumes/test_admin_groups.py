"""The console's pages about groups and their snapshots, and their buttons."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from storage_site.operations.models import Operation
from tests.console import Operator, list_of
from tests.factories import GroupFactory, GroupSnapshotFactory, SnapshotFactory, VolumeFactory
from volumes.models import Group, GroupSnapshot, Volume

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return Operator()


@pytest.fixture
def group():
    return GroupFactory(name="accounts")


def test_a_group_is_shown_with_its_volumes_and_a_snapshot_with_its_parts(operator, group):
    volume = VolumeFactory(group=group, name="ledger")
    kept = GroupSnapshotFactory(group=group, name="monday")
    SnapshotFactory(volume=volume, group_snapshot=kept, name="monday-ledger")
    page = operator.opens(group)
    assert "ledger" in page
    assert "__DEFAULT__" in page
    page = operator.opens(kept)
    assert "monday-ledger" in page
    assert f"/admin/volumes/group/{group.pk}/change/" in page
    assert "accounts" in operator.opens(list_of(Group), q="account")
    assert "monday" in operator.opens(list_of(GroupSnapshot), q=str(group.pk))
    assert operator.opens(list_of(Group), backend="mem1", status="available")


@pytest.mark.parametrize("model", [Group, GroupSnapshot])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(operator, model):
    def add(number: int) -> None:
        for _ in range(number):
            GroupSnapshotFactory()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.opens(list_of(model))
        return len(captured)

    add(1)
    few = queries()
    add(20)
    assert queries() == few <= 13


def test_buttons_do_what_the_services_do(operator, group):
    VolumeFactory(group=group)
    (said,) = operator.presses(group, "keep")
    assert "is accepted" in said
    kept = GroupSnapshot.objects.get()
    (said,) = operator.presses(group, "delete-with-volumes")
    assert "Group has existing snapshots." in said
    operator.presses(kept, "reset", status="available")
    operator.presses(kept, "delete")
    assert Operation.objects.get(verb="delete").resource_id == kept.pk
    GroupSnapshot.objects.all().delete()
    (said,) = operator.presses(group, "delete")
    assert "still contains volumes" in said
    operator.presses(group, "delete-with-volumes")
    assert Volume.objects.get().status == "deleting"
    operator.presses(group, "reset", status="error")
    group.refresh_from_db()
    assert group.status == "error"


def test_an_empty_group_goes_from_the_list(operator, group):
    operator.chooses(Group, "delete", [group])
    assert not Group.objects.exists()
