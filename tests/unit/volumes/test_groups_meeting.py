"""Groups that several people change at once: each call is carried out or refused as a whole."""

from functools import partial

import pytest

from storage_site.errors import StorageError
from storage_site.operations.models import Operation
from tests.factories import GroupFactory, VolumeFactory
from tests.unit.storage_site.operations.conftest import at_once
from volumes.models import Group, GroupSnapshot, Quota, Snapshot, Volume
from volumes.services.group_snapshots import create_group_snapshot
from volumes.services.group_sources import create_group_from_group
from volumes.services.groups import create_group, delete_group, update_group
from volumes.services.volumes import create_volume, delete_volume

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
TIMES = range(4)


@pytest.fixture
def group(default_type):
    group = GroupFactory()
    for _ in range(2):
        VolumeFactory(group=group)
    return group


def refusals(results) -> int:
    """Return how many calls were refused; none may have failed in any other way."""
    for result in results:
        assert not isinstance(result, BaseException) or isinstance(result, StorageError), result
    return sum(isinstance(result, StorageError) for result in results)


@pytest.mark.parametrize("_time", TIMES)
def test_a_volume_is_made_in_a_group_or_the_group_goes(group, member, default_type, _time):
    results = at_once(
        partial(delete_group, group=group, caller=member, with_volumes=True),
        partial(create_volume, caller=member, size_gib=1, volume_type=default_type, group=group),
    )
    assert refusals(results) == 1
    is_going = Group.objects.get().status == "deleting"
    assert Volume.objects.filter(status="creating").exists() != is_going
    assert set(Volume.objects.exclude(status="creating").values_list("status", flat=True)) == {
        "deleting" if is_going else "available"
    }


@pytest.mark.parametrize("_time", TIMES)
def test_a_volume_is_added_or_it_goes(group, member, _time):
    volume = VolumeFactory()
    results = at_once(
        partial(update_group, group=group, caller=member, add_volumes=[volume]),
        partial(delete_volume, volume=volume, caller=member),
    )
    assert refusals(results) == 1
    volume.refresh_from_db()
    assert (volume.group_id, volume.status) in {(group.pk, "available"), (None, "deleting")}


@pytest.mark.parametrize("_time", TIMES)
def test_a_volume_is_added_to_one_of_two_groups(group, member, _time):
    volume, other = VolumeFactory(), GroupFactory()
    results = at_once(
        *(partial(update_group, group=one, caller=member, add_volumes=[volume]) for one in (group, other))
    )
    assert refusals(results) == 1


@pytest.mark.parametrize("_time", TIMES)
def test_what_is_kept_is_what_belonged_to_the_group_at_that_time(group, member, _time):
    leaving = group.volumes.first()
    results = at_once(
        partial(create_group_snapshot, caller=member, group=group),
        partial(update_group, group=group, caller=member, remove_volumes=[leaving]),
        partial(create_group_from_group, caller=member, source=group),
    )
    assert refusals(results) == 0
    assert Snapshot.objects.filter(group_snapshot=GroupSnapshot.objects.get()).count() in {1, 2}
    assert Volume.objects.filter(group=Group.objects.get(source_group_id=group.pk)).count() in {1, 2}
    assert group.volumes.count() == 1


@pytest.mark.parametrize("_time", TIMES)
def test_a_group_is_kept_or_it_goes(group, member, _time):
    results = at_once(
        partial(create_group_snapshot, caller=member, group=group),
        partial(delete_group, group=group, caller=member, with_volumes=True),
    )
    assert refusals(results) == 1
    assert GroupSnapshot.objects.exists() != (Group.objects.get().status == "deleting")
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("_time", TIMES)
def test_the_last_group_that_a_quota_allows_is_made_once(group, member, default_type, _time):
    Quota.objects.create(project_id=member.project_id, resource="groups", limit=2)
    makes = [
        partial(create_group, caller=member, group_type=group.group_type, volume_types=[default_type]) for _ in range(3)
    ]
    assert refusals(at_once(*makes)) == 2
    assert Group.objects.count() == 2
