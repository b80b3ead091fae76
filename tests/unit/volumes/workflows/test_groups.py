"""Work on groups and their snapshots, with a back-end that fails at the worst moments."""

import pytest
from carrying import carry_on

from drivers.errors import BackendDown, BackendFull, NotSupported, PermanentDriverError
from drivers.types import Fence
from scheduling.workflows import place_group
from storage_site.errors import StateConflict
from storage_site.operations.models import Operation, Transition
from storage_site.operations.perform import MAX_ATTEMPTS
from tests.factories import GroupFactory, GroupTypeFactory, VolumeFactory
from volumes.models import Group, GroupSnapshot, Snapshot, Volume, VolumeType
from volumes.services.group_snapshots import create_group_snapshot, delete_group_snapshot
from volumes.services.group_sources import create_group_from_group, create_group_from_snapshot
from volumes.services.groups import delete_group
from volumes.workflows import group as work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
CONSISTENT = {"consistent_group_snapshot_enabled": "<is> True"}
KINDS = pytest.mark.parametrize("group", [CONSISTENT, {}], indirect=True, ids=["of one moment", "plain"])
MAKE = "volumes.tasks.create_group_from_source"


@pytest.fixture
def group(request, first):
    VolumeType.objects.get_or_create(name="__DEFAULT__")
    made = GroupFactory(group_type=GroupTypeFactory(group_specs=getattr(request, "param", CONSISTENT)))
    for _ in range(2):
        first.inner.create_volume(VolumeFactory(group=made).ref(), Fence(0, 1))
    return made


def waiting() -> Operation:
    return Operation.objects.get(outcome="")


def kept(group, member) -> GroupSnapshot:
    made = create_group_snapshot(caller=member, group=group)
    carry_on(waiting(), work.create_snapshot)
    made.refresh_from_db()
    return made


def placed(group) -> Operation:
    """Hand the making of the group to its back-end, as the scheduler would."""
    operation = waiting()
    assert operation.arguments["pinned"] == {"backend": "mem1"}
    Operation.objects.filter(pk=operation.pk).update(task=MAKE, queue="volume-mem1")
    Group.objects.filter(pk=group.pk).update(backend="mem1", pool="mem1")
    return operation


def statuses(model, **of) -> set[str]:
    return set(model.objects.filter(**of).values_list("status", flat=True))


def on(driver) -> tuple[int, int]:
    """Return how many volumes and snapshots there are on the storage."""
    return len(list(driver.inner.list_volumes())), len(list(driver.inner.list_snapshots()))


CALL = {"of one moment": ("create_snapshots", "clone_volumes"), "plain": ("create_snapshot", "clone_volume")}


def call_of(group, number: int) -> str:
    return CALL["of one moment" if group.group_type.is_consistent else "plain"][number]


# --- keeping


@KINDS
def test_a_type_that_asks_for_one_moment_gets_it_and_others_do_not_pay_for_it(group, member, first):
    kept(group, member)
    assert call_of(group, 0) in first.calls
    assert ("create_snapshots" in first.calls) == group.group_type.is_consistent


@KINDS
def test_a_full_back_end_keeps_nothing(group, member, first):
    first.refuse(call_of(group, 0), BackendFull("no room"), after_acting=True)
    made = kept(group, member)
    assert made.status == "error"
    assert statuses(Snapshot) == {"error"}
    assert on(first) == (2, 0)


@KINDS
def test_lost_answers_are_asked_for_again(group, member, first):
    first.refuse(call_of(group, 0), BackendDown(), after_acting=True, times=1)
    made = kept(group, member)
    assert (made.status, statuses(Snapshot)) == ("creating", {"creating"})
    carry_on(waiting(), work.create_snapshot)
    made.refresh_from_db()
    assert (made.status, statuses(Snapshot), on(first)) == ("available", {"available"}, (2, 2))


def test_a_back_end_that_cannot_says_so(group, member, first):
    first.refuse("create_snapshots", NotSupported("It cannot keep several volumes at one moment"))
    made = kept(group, member)
    assert made.status == "error"
    assert Operation.objects.get().fault_code == "not-supported"


@KINDS
def test_workers_that_die_again_and_again_leave_an_error_and_nothing_else(group, member, first):
    made = create_group_snapshot(caller=member, group=group)
    Operation.objects.update(attempts=MAX_ATTEMPTS)
    carry_on(waiting(), work.create_snapshot)
    made.refresh_from_db()
    assert (made.status, statuses(Snapshot), on(first)) == ("error", {"error"}, (2, 0))


@KINDS
def test_giving_up_goes_on_after_a_failure(group, member, first):
    made = kept(group, member)
    delete_group_snapshot(group_snapshot=made, caller=member)
    first.refuse("delete_snapshot", BackendDown(), times=1)
    carry_on(waiting(), work.delete_snapshot)
    assert statuses(Snapshot) == {"deleting"}
    carry_on(waiting(), work.delete_snapshot)
    assert not GroupSnapshot.objects.exists()
    assert not Snapshot.objects.exists()
    assert on(first) == (2, 0)


def test_what_cannot_be_given_up_is_shown(group, member, first):
    made = kept(group, member)
    delete_group_snapshot(group_snapshot=made, caller=member)
    first.refuse("delete_snapshot", PermanentDriverError("layer damaged"))
    carry_on(waiting(), work.delete_snapshot)
    made.refresh_from_db()
    assert (made.status, statuses(Snapshot)) == ("error_deleting", {"error_deleting"})


# --- making


@KINDS
@pytest.mark.parametrize("is_from_snapshot", [True, False])
def test_a_back_end_that_cannot_make_all_leaves_none(group, member, first, is_from_snapshot):
    if is_from_snapshot:
        made = create_group_from_snapshot(caller=member, group_snapshot=kept(group, member))
        call = "create_volume_from_snapshot"
    else:
        made, call = create_group_from_group(caller=member, source=group), call_of(group, 1)
    first.refuse(call, BackendFull("no room"), after_acting=True)
    carry_on(placed(made), work.create_from_source)
    made.refresh_from_db()
    assert (made.status, statuses(Volume, group=made)) == ("error", {"error"})
    assert on(first)[0] == 2
    delete_group(group=made, caller=member, with_volumes=True)
    carry_on(waiting(), work.delete)
    assert Group.objects.get() == group


@KINDS
def test_making_goes_on_after_a_lost_answer(group, member, first):
    made = create_group_from_group(caller=member, source=group)
    first.refuse(call_of(group, 1), BackendDown(), after_acting=True, times=1)
    carry_on(placed(made), work.create_from_source)
    assert statuses(Volume, group=made) == {"creating"}
    carry_on(waiting(), work.create_from_source)
    made.refresh_from_db()
    assert (made.status, statuses(Volume, group=made), on(first)[0]) == ("available", {"available"}, 4)


def test_a_volume_that_is_made_in_the_group_by_itself_is_let_alone(group, member, first):
    made = create_group_from_group(caller=member, source=group)
    own = VolumeFactory(group=made, status="creating")
    operation = Operation.objects.create(
        resource_type="volumes.volume", resource_id=own.pk, project_id=own.project_id, verb="create", queue="scheduler",
        deadline_at=own.created_at, task="scheduling.tasks.place_volume",
    )  # fmt: skip
    Operation.objects.filter(pk=operation.pk).update(outcome="", owner="somebody", lease_until=own.created_at)
    making = Operation.objects.get(verb="create_from_source")
    Operation.objects.filter(pk=making.pk).update(task=MAKE, queue="volume-mem1")
    Group.objects.filter(pk=made.pk).update(backend="mem1", pool="mem1")
    carry_on(making, work.create_from_source)
    own.refresh_from_db()
    assert own.status == "creating"
    assert Volume.objects.filter(group=made, status="available").count() == 2


def test_a_disabled_back_end_makes_no_group(group, member):
    made = create_group_from_group(caller=member, source=group)
    Operation.objects.update(created_at="2020-01-01T00:00:00Z", deadline_at="2020-01-01T00:00:00Z")
    carry_on(waiting(), place_group.run)
    made.refresh_from_db()
    assert (made.status, statuses(Volume, group=made)) == ("error", {"error"})


# --- deleting


def test_a_deletion_goes_on_after_a_failure_and_tells_of_each_volume(group, member, first):
    volumes = list(group.volumes.all())
    delete_group(group=group, caller=member, with_volumes=True)
    first.refuse("delete_volume", BackendDown(), times=1)
    carry_on(waiting(), work.delete)
    assert (statuses(Group), statuses(Volume)) == ({"deleting"}, {"deleting"})
    carry_on(waiting(), work.delete)
    assert not Group.objects.exists()
    assert not Volume.objects.exists()
    assert on(first) == (0, 0)
    for volume in volumes:
        assert Transition.objects.filter(resource_id=volume.pk, to_status="(gone)").exists()


def test_what_cannot_be_deleted_is_shown_and_can_be_asked_for_again(group, member, first):
    delete_group(group=group, caller=member, with_volumes=True)
    first.refuse("delete_volume", PermanentDriverError("in use elsewhere"))
    carry_on(waiting(), work.delete)
    assert (statuses(Group), statuses(Volume)) == ({"error_deleting"}, {"error_deleting"})
    first.heal()
    delete_group(group=Group.objects.get(), caller=member, with_volumes=True)
    carry_on(waiting(), work.delete)
    assert on(first) == (0, 0)


def test_two_deletions_are_one(group, member):
    delete_group(group=group, caller=member, with_volumes=True)
    with pytest.raises(StateConflict):
        delete_group(group=group, caller=member, with_volumes=True)
    assert Operation.objects.count() == 1
