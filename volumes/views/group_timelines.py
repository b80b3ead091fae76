"""The timelines of groups and their snapshots."""

from typing import Any

from django.db.models import QuerySet

from storage_site.api.timelines.views import TimelineView
from volumes.models import Group
from volumes.views import groups


class GroupTimeline(TimelineView):
    """What happened to a group."""

    not_found = groups.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every group that the caller may see."""
        return Group.objects.visible_to(self.caller)
