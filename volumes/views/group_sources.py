"""Groups from snapshots of groups, and from groups (contract 06, section 6)."""

from typing import Any

from django.db.models import QuerySet

from storage_site.api.actions import ActionView, action
from volumes.groups import lookups as group_lookups
from volumes.models import Group
from volumes.serializers.groups import SOURCES_SINCE, GroupFromSource, GroupSummary
from volumes.services import group_sources as services


class GroupsAction(ActionView):
    """What makes groups, by name: the path belongs to no group."""

    def rows(self) -> QuerySet[Any]:
        """Return no row."""
        return Group.objects.none()

    def get_object(self) -> Any:
        """Return nothing: there is no group yet."""
        return None

    @action("create-from-src", reads=GroupFromSource, since=SOURCES_SINCE)
    def create_from_source(
        self,
        _nothing: None,
        group_snapshot_id: str | None = None,
        source_group_id: str | None = None,
        **named: str | None,
    ) -> dict[str, Any]:
        """Make a group from a snapshot of one, or from another one; its back-end does the work later."""
        if group_snapshot_id:
            found = group_lookups.group_snapshot_of(self.caller, group_snapshot_id)
            group = services.create_group_from_snapshot(caller=self.caller, group_snapshot=found, **named)
        else:
            source = group_lookups.group_of(self.caller, str(source_group_id))
            group = services.create_group_from_group(caller=self.caller, source=source, **named)
        return {"group": self.written(GroupSummary, group)}
