"""The timelines of volumes, snapshots and attachments."""

from typing import Any

from django.db.models import QuerySet

from storage_site.api.timelines.views import TimelineView
from volumes.models import Attachment, Snapshot, Volume
from volumes.views import attachments, snapshots, volumes


class VolumeTimeline(TimelineView):
    """What happened to a volume."""

    not_found = volumes.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return Volume.objects.visible_to(self.caller)


class SnapshotTimeline(TimelineView):
    """What happened to a snapshot."""

    not_found = snapshots.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every snapshot that the caller may see."""
        return Snapshot.objects.visible_to(self.caller)


class AttachmentTimeline(TimelineView):
    """What happened to an attachment."""

    not_found = attachments.NOT_FOUND

    def rows(self) -> QuerySet[Any]:
        """Return every attachment that the caller may see."""
        return Attachment.objects.visible_to(self.caller)
