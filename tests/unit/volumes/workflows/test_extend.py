"""Making a volume larger: with data kept, quotas exact, and nothing changed where it cannot be."""

import pytest
from carrying import carry_on

from drivers.errors import BackendDown, BackendFull, PermanentDriverError
from drivers.types import Fence
from storage_site.operations.models import Operation
from tests.factories import AttachmentFactory, VolumeFactory
from volumes import quotas
from volumes.errors import GigabytesExceeded, InvalidInput, InvalidVolume
from volumes.models import Quota, Volume
from volumes.services.contents import extend_volume
from volumes.services.volumes import reset_status
from volumes.workflows import extend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def volume(first) -> Volume:
    made = VolumeFactory()
    first.inner.create_volume(made.ref(), Fence(0, 1))
    return made


def accepted(volume, member, size_gib=3) -> Operation:
    extend_volume(volume=volume, size_gib=size_gib, caller=member)
    return Operation.objects.get(verb="extend", outcome="")


def sizes(driver) -> list[int]:
    return [ref.size_gib for ref in driver.inner.list_volumes()]


def test_a_volume_grows(volume, member, first):
    operation = accepted(volume, member)
    assert Volume.objects.get(pk=volume.pk).status == "extending"
    assert carry_on(operation, extend.run).outcome == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, volume.size_gib, volume.growing_to_gib) == ("available", 3, None)
    assert sizes(first) == [3]


def test_what_it_grows_to_counts_from_the_moment_it_is_accepted(volume, member):
    Quota.objects.create(project_id=volume.project_id, resource="gigabytes", limit=4)
    other = VolumeFactory()
    accepted(volume, member)
    assert quotas.usage_of(volume.project_id).gigabytes == 4
    with pytest.raises(GigabytesExceeded):
        extend_volume(volume=other, size_gib=2, caller=member)


@pytest.mark.parametrize("size_gib", [0, 1])
def test_a_size_that_is_no_growth_is_refused(volume, member, size_gib):
    with pytest.raises(InvalidInput):
        extend_volume(volume=volume, size_gib=size_gib, caller=member)
    assert not Operation.objects.exists()


def test_a_full_back_end_leaves_the_volume_as_it_was_and_says_so(volume, member, first):
    first.refuse("extend_volume", BackendFull("1 GiB left"))
    operation = carry_on(accepted(volume, member), extend.run)
    volume.refresh_from_db()
    assert (operation.outcome, operation.fault_detail) == ("failed", "1 GiB left")
    assert (volume.status, volume.size_gib, volume.growing_to_gib) == ("available", 1, None)


def test_a_failure_in_the_middle_shows_in_the_status(volume, member, first):
    first.refuse("extend_volume", PermanentDriverError("header damaged"))
    carry_on(accepted(volume, member), extend.run)
    assert Volume.objects.get(pk=volume.pk).status == "error_extending"


def test_what_could_not_grow_counts_as_it_is(volume, member, first):
    first.refuse("extend_volume", PermanentDriverError("header damaged"))
    carry_on(accepted(volume, member), extend.run)
    volume.refresh_from_db()
    assert (volume.size_gib, volume.growing_to_gib) == (1, None)
    assert quotas.usage_of(volume.project_id).gigabytes == 1


def test_a_lost_answer_is_asked_for_again(volume, member, first):
    first.refuse("extend_volume", BackendDown("the answer was lost"), times=1, after_acting=True)
    operation = carry_on(accepted(volume, member), extend.run)
    assert operation.outcome == ""
    assert carry_on(operation, extend.run).outcome == "succeeded"
    assert sizes(first) == [3]


def test_a_volume_in_use_grows_only_if_every_host_says_that_it_reconnects(volume, member):
    attachment = AttachmentFactory(volume=volume, status="attached", connector={"host": "h"})
    Volume.objects.filter(pk=volume.pk).update(status="in-use")
    for is_online in (False, True):
        with pytest.raises(InvalidVolume):
            extend_volume(volume=volume, size_gib=2, caller=member, is_online=is_online)
    attachment.connector = {"host": "h", "reconnects": True}
    attachment.save()
    with pytest.raises(InvalidVolume):
        extend_volume(volume=volume, size_gib=2, caller=member)
    extend_volume(volume=volume, size_gib=2, caller=member, is_online=True)
    carry_on(Operation.objects.get(), extend.run)
    volume.refresh_from_db()
    assert (volume.status, volume.size_gib) == ("in-use", 2)


def test_a_reset_gives_back_what_was_counted(volume, member):
    accepted(volume, member)
    reset_status(volume=volume, caller=member, status="available")
    assert quotas.usage_of(volume.project_id).gigabytes == 1
