"""Volumes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from drivers.types import VolumeRef
from storage_site.caller import Caller
from storage_site.operations.resources import Resource
from volumes import lifecycle
from volumes.models.groups import Group
from volumes.models.types import VolumeType


class VolumeQuerySet(models.QuerySet):
    """Volumes as a caller may see them."""

    def visible_to(self, caller: Caller) -> "VolumeQuerySet":
        """Return all volumes for administrators; those of the caller's project for everybody else.

        What stands in for a volume that is moved is for administrators only (contract 00 section 8).
        """
        standing_in = Q(migration_status__startswith=lifecycle.STANDS_IN_FOR) | Q(migration_status="deleting")
        return self if caller.is_admin else self.filter(project_id=caller.project_id).exclude(standing_in)

    def for_project(self, project_id: str) -> "VolumeQuerySet":
        """Return the volumes of one project."""
        return self.filter(project_id=project_id)


class Volume(Resource):
    """A virtual disk of `size_gib` GiB.

    `snapshot_id` and `source_volume_id` say what it was made from, which may be gone by now.
    While it is extended, `growing_to_gib` is the size it is to have, which already counts against the quota; so does
    the type that it is `retyping_to`. One that was moved to another back-end is there under the name of `name_id`.
    `backend` and `pool` say where it lives; both are empty until it has been placed. `is_readonly` is None
    until somebody sets it or attaches the volume (contract 02 section 7).
    """

    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    size_gib = models.PositiveIntegerField()
    growing_to_gib = models.PositiveIntegerField(null=True, blank=True)
    snapshot_id = models.UUIDField(null=True, blank=True)
    source_volume_id = models.UUIDField(null=True, blank=True)
    volume_type = models.ForeignKey(VolumeType, null=True, on_delete=models.PROTECT, related_name="volumes")
    retyping_to = models.ForeignKey(
        VolumeType, null=True, blank=True, on_delete=models.PROTECT, related_name="retyping_volumes"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="volumes")
    availability_zone = models.CharField(max_length=255)
    backend = models.CharField(max_length=100, blank=True, default="")
    pool = models.CharField(max_length=255, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    image_metadata = models.JSONField(default=dict, blank=True)
    is_bootable = models.BooleanField(default=False)
    is_multiattach = models.BooleanField(default=False)
    is_readonly = models.BooleanField(null=True, default=None)
    attached_mode = models.CharField(max_length=2, blank=True, default="")
    name_id = models.UUIDField(null=True, blank=True)
    migration_status = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - the API says null
    consumes_quota = models.BooleanField(default=True)
    launched_at = models.DateTimeField(null=True, blank=True)

    objects = VolumeQuerySet.as_manager()
    lifecycle = lifecycle.VOLUME

    class Meta:
        constraints = [
            # Of what is taken over from the storage nobody knows the size yet.
            models.CheckConstraint(condition=Q(size_gib__gt=0) | Q(launched_at=None), name="volume_has_a_size"),
            models.UniqueConstraint(
                fields=["backend", "name_id"], condition=Q(name_id__isnull=False), name="volume_stored_once"
            ),
            models.CheckConstraint(condition=~Q(status=""), name="volume_has_a_status"),
            models.CheckConstraint(
                condition=Q(growing_to_gib=None) | Q(growing_to_gib__gt=models.F("size_gib")), name="volume_only_grows"
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="volume_listing"),
            models.Index(fields=["-created_at", "-id"], name="volume_listing_all"),
            models.Index(fields=["project_id", "name"], name="volume_by_name"),
            models.Index(fields=["backend", "pool"], name="volume_by_backend"),
            models.Index(
                fields=["migration_status"], condition=Q(migration_status__isnull=False), name="volume_by_migration"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    def ref(self) -> VolumeRef:
        """Return the volume as drivers know it."""
        return VolumeRef(id=str(self.stored_as), size_gib=self.size_gib, project_id=self.project_id)

    @property
    def stored_as(self) -> uuid.UUID:
        """Return the id that its name on the storage is made of."""
        return self.name_id or self.id

    @property
    def is_moving(self) -> bool:
        """Tell whether it is being moved to another back-end, or stands in for one that is."""
        return self.migration_status is not None and self.migration_status not in lifecycle.AT_REST

    @property
    def consistency_group_id(self) -> uuid.UUID | None:
        """Return the id of the volume's group if that is a consistency group."""
        return self.group_id if self.group is not None and self.group.is_consistency_group else None

    @property
    def host(self) -> str | None:
        """Return `host@backend#pool`, or None while the volume is not placed (contract 07 section 1)."""
        return f"{settings.CLUSTER_HOST}@{self.backend}#{self.pool}" if self.backend else None
