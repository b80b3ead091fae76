"""Removing a volume, its exports, the snapshots that go with it, and their rows."""

from django.db.models import Q

from drivers.volume.base import VolumeDriver
from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Volume


def run(op: Claimed, volume: Volume) -> None:
    """Have the back-end remove the volume; one that is not there any more is removed as well."""
    remove(op, backends.driver(volume.backend), volume)
    op.finish()


def remove(op: Claimed, driver: VolumeDriver, volume: Volume) -> None:
    """Have the back-end remove the volume and the snapshots that go with it."""
    # What was asked to go with it; no other can have come since, for a volume that is deleted takes no snapshots.
    going = Q(status="deleting") | Q(is_listed=False)
    for snapshot in volume.snapshots.filter(going).select_related("volume"):
        op.step("removed snapshot", driver.delete_snapshot, snapshot.ref())
    op.step("removed", driver.delete_volume, volume.ref())
