"""Groups of volumes, and snapshots of them."""

from django.db import models

from storage_site.caller import Caller
from storage_site.operations.resources import Resource
from volumes.groups import lifecycle as group_lifecycle
from volumes.models.group_types import RESERVED_ID, GroupType
from volumes.models.types import VolumeType


class GroupQuerySet(models.QuerySet):
    """Groups and their snapshots as a caller may see them."""

    def visible_to(self, caller: Caller) -> "GroupQuerySet":
        """Return all for administrators; those of the caller's project for everybody else."""
        return self if caller.is_admin else self.filter(project_id=caller.project_id)


class Group(Resource):
    """Volumes that are looked after together, all on one back-end.

    `backend` and `pool` are empty until it has been placed. `group_snapshot_id` and `source_group_id` say what it was
    made from, which may be gone by now.
    """

    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    group_type = models.ForeignKey(GroupType, on_delete=models.PROTECT, related_name="groups")
    volume_types = models.ManyToManyField(VolumeType, related_name="groups")
    availability_zone = models.CharField(max_length=255)
    backend = models.CharField(max_length=100, blank=True, default="")
    pool = models.CharField(max_length=255, blank=True, default="")
    group_snapshot_id = models.UUIDField(null=True, blank=True)
    source_group_id = models.UUIDField(null=True, blank=True)

    objects = GroupQuerySet.as_manager()
    lifecycle = group_lifecycle.GROUP

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="group_listing"),
            models.Index(fields=["-created_at", "-id"], name="group_listing_all"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def is_consistency_group(self) -> bool:
        """Tell whether it is of the reserved type, and so has calls of its own."""
        return self.group_type_id == RESERVED_ID


class GroupSnapshot(Resource):
    """What all volumes of a group held; its parts are snapshots of each."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="snapshots")
    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null

    objects = GroupQuerySet.as_manager()
    lifecycle = group_lifecycle.GROUP_SNAPSHOT
    locked_first = "group"

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="group_snapshot_listing"),
            models.Index(fields=["-created_at", "-id"], name="group_snapshot_listing_all"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)
