"""Keeping what a volume holds at one moment, giving it up, and giving it back to the volume."""

from functools import partial

from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.models import Snapshot, Volume
from volumes.settling import release_snapshots


def create(op: Claimed, snapshot: Snapshot) -> None:
    """Have the back-end keep the volume's content."""
    driver, ref = backends.driver(snapshot.volume.backend), snapshot.ref()
    op.step("kept", driver.create_snapshot, ref, undo=partial(driver.delete_snapshot, ref))
    op.finish()


def delete(op: Claimed, snapshot: Snapshot) -> None:
    """Have the back-end give the content up; a snapshot that is not there any more is removed as well."""
    driver = backends.driver(snapshot.volume.backend)
    op.step("removed", driver.delete_snapshot, snapshot.ref())
    op.finish()


def revert(op: Claimed, volume: Volume) -> None:
    """Have the back-end give the volume the content of its newest snapshot again."""
    driver = backends.driver(volume.backend)
    snapshot = Snapshot.objects.select_related("volume").get(pk=op.operation.arguments["snapshot_id"])
    op.step("reverted", driver.revert_to_snapshot, volume.ref(), snapshot.ref())
    op.finish(also=partial(release_snapshots, volume))
