"""Letting what belongs to a group show what came of the work on the whole; services and workflows both do it."""

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from storage_site.caller import SYSTEM
from storage_site.operations.admission import move
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from volumes.models import Group, GroupSnapshot, Snapshot, Volume


def being_made_with(group: Group) -> "QuerySet[Volume]":
    """Return the volumes that the work on the group makes; others in it may be made by work of their own."""
    own = Operation.objects.filter(resource_type=label_of(Volume), resource_id=OuterRef("pk"), outcome="")
    return Volume.objects.filter(group=group, status="creating").exclude(Exists(own)).order_by("pk")


def end_making(group: Group) -> None:
    """Let the volumes be used that were made with the group."""
    for volume in being_made_with(group):
        move(volume, "end_in_group", caller=SYSTEM, to="available", fields={"launched_at": timezone.now()})


def fail_making(group: Group) -> None:
    """Show that the volumes were not made that were to be made with the group."""
    for volume in being_made_with(group):
        move(volume, "end_in_group", caller=SYSTEM, to="error")


def end_deletion(group: Group) -> None:
    """Remove the rows of the volumes that were deleted with the group, before its own one goes."""
    for volume in Volume.objects.filter(group=group, status="deleting"):
        move(volume, "end_group_delete", caller=SYSTEM)


def fail_deletion(group: Group) -> None:
    """Show that the volumes may not have been deleted that were to be deleted with the group."""
    for volume in Volume.objects.filter(group=group, status="deleting"):
        move(volume, "fail_group_delete", caller=SYSTEM)


def end_keeping(group_snapshot: GroupSnapshot) -> None:
    """Let the snapshots be used that were taken together."""
    for snapshot in Snapshot.objects.filter(group_snapshot=group_snapshot, status="creating"):
        move(snapshot, "end_in_group", caller=SYSTEM, to="available")


def fail_keeping(group_snapshot: GroupSnapshot) -> None:
    """Show that the snapshots were not taken that were to be taken together."""
    for snapshot in Snapshot.objects.filter(group_snapshot=group_snapshot, status="creating"):
        move(snapshot, "end_in_group", caller=SYSTEM, to="error")


def fail_giving_up(group_snapshot: GroupSnapshot) -> None:
    """Show that the snapshots may not have been removed that were to be removed together."""
    for snapshot in Snapshot.objects.filter(group_snapshot=group_snapshot, status="deleting"):
        move(snapshot, "fail_group_delete", caller=SYSTEM)
