"""Work on all the volumes of a group, or on all the parts of a snapshot of one."""

from collections.abc import Sequence
from functools import partial

from drivers.types import Fence, SnapshotRef, VolumeRef
from drivers.volume.base import VolumeDriver
from storage_site.operations.claims import Claimed
from storage_site.operations.errors import PermanentFailure
from volumes import backends
from volumes.groups.settling import being_made_with, end_deletion, end_keeping, end_making
from volumes.models import Group, GroupSnapshot, Snapshot, Volume
from volumes.workflows.create import maker
from volumes.workflows.delete import remove


def create_from_source(op: Claimed, group: Group) -> None:
    """Have the back-end make the volumes of the group from what each was asked to be made from.

    Where the group's type says so, copies of another group's volumes are of one moment.
    """
    driver = backends.driver(group.backend)
    volumes = list(being_made_with(group))
    if group.source_group_id and group.group_type.is_consistent:
        sources = Volume.objects.in_bulk([volume.source_volume_id for volume in volumes])
        if len(sources) < len(volumes):
            raise PermanentFailure("source-gone", f"Volumes of group {group.source_group_id} were removed before.")
        copies = [(volume.ref(), sources[volume.source_volume_id].ref()) for volume in volumes]
        op.step("made", driver.clone_volumes, copies, undo=partial(_remove_all, driver, [ref for ref, _from in copies]))
    else:
        for volume in volumes:
            undo = partial(driver.delete_volume, volume.ref())
            op.step("made", maker(driver, volume), volume.ref(), undo=undo)
    op.finish(also=partial(end_making, group))


def delete(op: Claimed, group: Group) -> None:
    """Have the back-end remove the volumes that go with the group; those that are not there any more as well."""
    driver = backends.driver(group.backend)
    for volume in Volume.objects.filter(group=group, status="deleting").exclude(backend="").order_by("pk"):
        remove(op, driver, volume)
    op.note(also=partial(end_deletion, group))
    op.finish()


def create_snapshot(op: Claimed, group_snapshot: GroupSnapshot) -> None:
    """Have the back-end keep what the volumes hold; at one moment, where the group's type says so."""
    driver = backends.driver(group_snapshot.group.backend)
    refs = _parts(group_snapshot, "creating")
    if group_snapshot.group.group_type.is_consistent:
        op.step("kept", driver.create_snapshots, refs, undo=partial(_give_up_all, driver, refs))
    else:
        for ref in refs:
            op.step("kept", driver.create_snapshot, ref, undo=partial(driver.delete_snapshot, ref))
    op.finish(also=partial(end_keeping, group_snapshot))


def delete_snapshot(op: Claimed, group_snapshot: GroupSnapshot) -> None:
    """Have the back-end give up every part; those that are not there any more as well."""
    driver = backends.driver(group_snapshot.group.backend)
    for ref in _parts(group_snapshot, "deleting"):
        op.step("removed", driver.delete_snapshot, ref)
    op.finish()


def _parts(group_snapshot: GroupSnapshot, status: str) -> list[SnapshotRef]:
    rows = Snapshot.objects.filter(group_snapshot=group_snapshot, status=status).select_related("volume")
    return [snapshot.ref() for snapshot in rows.order_by("pk")]


def _remove_all(driver: VolumeDriver, refs: Sequence[VolumeRef], fence: Fence) -> None:
    for ref in refs:
        driver.delete_volume(ref, fence)


def _give_up_all(driver: VolumeDriver, refs: Sequence[SnapshotRef], fence: Fence) -> None:
    for ref in refs:
        driver.delete_snapshot(ref, fence)
