"""Snapshots."""

from django.db import models
from django.db.models import Q

from drivers.types import SnapshotRef
from storage_site.caller import Caller
from storage_site.operations.resources import Resource
from volumes import lifecycle
from volumes.models.groups import GroupSnapshot
from volumes.models.volumes import Volume


class SnapshotQuerySet(models.QuerySet):
    """Snapshots as a caller may see them."""

    def visible_to(self, caller: Caller) -> "SnapshotQuerySet":
        """Return what the API lists: all for administrators, those of the own project for everybody else."""
        listed = self.filter(is_listed=True)
        return listed if caller.is_admin else listed.filter(project_id=caller.project_id)


class Snapshot(Resource):
    """What a volume held at one moment; `size_gib` is the size that the volume had then.

    One that was taken over from the storage is there under the name of `name_id`.
    One that is not listed was made for a backup and is hidden from the API.
    """

    volume = models.ForeignKey(Volume, on_delete=models.CASCADE, related_name="snapshots")
    group_snapshot = models.ForeignKey(
        GroupSnapshot, null=True, blank=True, on_delete=models.CASCADE, related_name="snapshots"
    )
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    size_gib = models.PositiveIntegerField()
    metadata = models.JSONField(default=dict, blank=True)
    progress = models.CharField(max_length=4, default="", blank=True)
    """How much of it there is, as the service says that makes it itself: a percentage; else empty."""
    name_id = models.UUIDField(null=True, blank=True, unique=True)
    consumes_quota = models.BooleanField(default=True)
    is_listed = models.BooleanField(default=True)

    objects = SnapshotQuerySet.as_manager()
    lifecycle = lifecycle.SNAPSHOT
    locked_first = "volume"

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size_gib__gt=0), name="snapshot_has_a_size")]
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="snapshot_listing"),
            models.Index(fields=["-created_at", "-id"], name="snapshot_listing_all"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    def ref(self) -> SnapshotRef:
        """Return the snapshot as drivers know it."""
        return SnapshotRef(id=str(self.name_id or self.id), volume=self.volume.ref(), size_gib=self.size_gib)
