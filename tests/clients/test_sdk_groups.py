"""openstacksdk, groups of volumes, and volumes that move (contract 09 section 4)."""

import pytest
from openstack import exceptions

from tests.clients.test_sdk import gone, proxy_of, ready
from tests.waiting import until

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def storage(demo):
    return proxy_of(demo)


@pytest.fixture(scope="module")
def operator(admin):
    return proxy_of(admin)


@pytest.fixture(scope="module")
def kind(operator):
    made = operator.create_group_type(name="sdk-together")
    operator.create_group_type_group_specs(made, {"consistent_group_snapshot_enabled": "<is> True", "a": "1"})
    operator.update_group_type_group_specs_property(made, "a", "2")
    assert operator.get_group_type_group_specs_property(made, "a") == "2"
    operator.delete_group_type_group_specs_property(made, "a")
    assert operator.fetch_group_type_group_specs(made).group_specs.keys() == {"consistent_group_snapshot_enabled"}
    yield made
    operator.delete_group_type(made)


def test_groups_and_their_snapshots(storage, operator, kind):
    assert operator.update_group_type(kind.id, description="told").description == "told"
    assert kind.id in {one.id for one in storage.group_types()}
    assert operator.find_group_type("sdk-together").id == operator.get_group_type(kind.id).id == kind.id
    default = storage.find_type("__DEFAULT__").id
    group = storage.create_group(name="sdk-pair", group_type=kind.id, volume_types=[default])
    ready(storage, storage.get_group(group.id))
    volume = ready(storage, storage.create_volume(name="sdk-in-pair", size=1, volume_type=default, group_id=group.id))
    assert storage.find_group("sdk-pair").id == group.id
    assert group.id in {one.id for one in storage.groups()}
    storage.update_group(group.id, description="told")
    kept = storage.create_group_snapshot(group_id=group.id, name="sdk-moment")
    ready(storage, storage.get_group_snapshot(kept.id))
    assert storage.find_group_snapshot("sdk-moment").id == kept.id
    assert kept.id in {one.id for one in storage.group_snapshots()}
    copy = storage.create_group_from_source(name="sdk-copy", group_snapshot_id=kept.id, source_group_id=None)
    ready(storage, storage.get_group(copy.id))
    operator.reset_group_snapshot_status(kept.id, "available")
    operator.reset_group_status(group.id, "available")
    with pytest.raises(exceptions.HttpException):
        operator.enable_group_replication(group.id)
    with pytest.raises(exceptions.HttpException):
        operator.disable_group_replication(group.id)
    with pytest.raises(exceptions.HttpException):
        operator.failover_group_replication(group.id)
    storage.delete_group_snapshot(kept.id)
    gone(storage, storage.get_group_snapshot(kept.id))
    for each in (group, copy):
        storage.delete_group(each.id, delete_volumes=True)
        gone(storage, storage.get_group(each.id))
    gone(storage, volume)


def test_the_older_consistency_groups(storage, demo):
    group = storage.create_consistency_group(name="sdk-older", volume_types="__DEFAULT__")
    ready(storage, storage.get_consistency_group(group.id))
    assert storage.find_consistency_group("sdk-older").id == group.id
    assert group.id in {one.id for one in storage.consistency_groups()}
    default = storage.find_type("__DEFAULT__").id
    volume = storage.create_volume(name="sdk-in-older", size=1, volume_type=default, consistency_group_id=group.id)
    ready(storage, volume)
    storage.update_consistency_group(storage.get_consistency_group(group.id), name="sdk-old")
    kept = storage.create_consistency_group_snapshot(consistencygroup_id=group.id, name="sdk-then")
    assert storage.get_consistency_group_snapshot(kept.id).name == "sdk-then"
    assert storage.find_consistency_group_snapshot("sdk-then").id == kept.id
    assert kept.id in {one.id for one in storage.consistency_group_snapshots()}
    ready(storage, storage.get_consistency_group_snapshot(kept.id))
    copy = storage.create_consistency_group_from_source(consistency_group_snapshot=kept.id, name="sdk-again")
    ready(storage, storage.get_consistency_group(copy.id))
    storage.delete_consistency_group_snapshot(kept.id)
    gone(storage, kept)
    for each in (group, copy):
        with pytest.raises(exceptions.BadRequestException, match="consistencygroup"):  # it sends a name of its own
            storage.delete_consistency_group(storage.get_consistency_group(each.id), force=True)
        demo.cinder("consisgroup-delete", "--force", each.id)
        gone(storage, storage.get_consistency_group(each.id))
    gone(storage, volume)


def test_a_volume_moves_to_another_back_end(storage, operator):
    volume = ready(storage, storage.create_volume(name="sdk-mover", size=1))
    (target,) = {"celinder@local#local", "celinder@other#other"} - {operator.get_volume(volume.id).host}
    operator.migrate_volume(volume.id, host=target)
    until(lambda: operator.get_volume(volume.id).host == target, "the volume has moved", 60)
    ready(storage, storage.get_volume(volume.id))
    kind = operator.create_type(name="sdk-elsewhere")
    storage.retype_volume(volume.id, kind.id, "on-demand")
    until(lambda: storage.get_volume(volume.id).volume_type == "sdk-elsewhere", "the volume has another type", 60)
    storage.delete_volume(ready(storage, storage.get_volume(volume.id)))
    gone(storage, volume)
    operator.delete_type(kind)
