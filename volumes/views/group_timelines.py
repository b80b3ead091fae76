"""The timelines of groups and their snapshots."""

from typing import Any

from django.db.models import QuerySet

from storage_site.api.timelines.views import TimelineView
from volumes.models import Group, GroupSnapshot
from volumes.views import group_snapshots, groups


class GroupTimeline(TimelineView):
    """What happened to a group."""

    not_found = groups.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every group that the caller may see."""
        return Group.objects.visible_to(self.caller)


class GroupSnapshotTimeline(TimelineView):
    """What happened to a snapshot of a group."""

    not_found = group_snapshots.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot of a group that the caller may see."""
        return GroupSnapshot.objects.visible_to(self.caller)
