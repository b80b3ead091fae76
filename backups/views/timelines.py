"""The timelines of backups."""

from typing import Any

from django.db.models import QuerySet

from backups.models import Backup
from backups.views.backups import NOT_FOUND
from storage_site.api.timelines.views import TimelineView


class BackupTimeline(TimelineView):
    """What happened to a backup."""

    not_found = NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every backup that the caller may see."""
        return Backup.objects.visible_to(self.caller)
