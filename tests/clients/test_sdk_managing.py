"""openstacksdk and `openstack`, taking over and giving up what is on a storage (contract 09 section 4)."""

import pytest

from tests.clients.test_sdk import gone, proxy_of, ready

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

POOL = "celinder@local#local"


def test_volumes_and_snapshots_are_given_up_listed_and_taken_over(admin):
    operator = proxy_of(admin)
    kind = operator.create_type(name="sdk-taken-over", extra_specs={"volume_backend_name": "local"})
    volume = ready(operator, operator.create_volume(name="sdk-parent", size=1, volume_type=kind.id))
    snapshot = ready(operator, operator.create_snapshot(volume_id=volume.id))
    operator.unmanage_snapshot(snapshot.id)
    gone(operator, snapshot)
    assert snapshot.id in str([one.reference for one in operator.manageable_snapshots(host=POOL)])
    assert snapshot.id in str(admin.openstack("block storage snapshot manageable list", POOL))
    (name,) = [
        one.reference["source-name"]
        for one in operator.manageable_snapshots(host=POOL)
        if snapshot.id in str(one.reference)
    ]
    taken = operator.manage_snapshot(volume_id=volume.id, ref={"source-name": name}, name="sdk-back")
    taken = ready(operator, operator.get_snapshot(taken.id))
    operator.delete_snapshot(taken)
    gone(operator, taken)
    operator.unmanage_volume(volume.id)
    gone(operator, volume)
    (name,) = [
        one.reference["source-name"]
        for one in operator.manageable_volumes(details=True, host=POOL)
        if volume.id in str(one.reference)
    ]
    assert name in str(admin.openstack("block storage volume manageable list", "--long", POOL))
    back = operator.manage_volume(host=POOL, ref={"source-name": name}, name="sdk-back", volume_type=kind.id)
    back = ready(operator, operator.get_volume(back.id))
    operator.delete_volume(back)
    gone(operator, back)
    operator.delete_type(kind)
