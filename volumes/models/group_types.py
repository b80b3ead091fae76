"""Group types: what groups of volumes are to be able to do."""

import uuid

from django.db import models
from django.utils import timezone

from storage_site.caller import Caller

RESERVED_ID = uuid.UUID("2d1f6b0e-8a3c-4c57-9d38-7f5a0d1f1c11")
RESERVED_NAME = "default_cgsnapshot_type"
CONSISTENT = "consistent_group_snapshot_enabled"
REPLICATED = ("group_replication_enabled", "consistent_group_replication_enabled")
YES = "<is> True"


class GroupTypeQuerySet(models.QuerySet):
    """Group types as a caller may see them."""

    def visible_to(self, caller: Caller) -> "GroupTypeQuerySet":
        """Return all for administrators, the public ones for everybody else."""
        return self if caller.is_admin else self.filter(is_public=True)


class GroupType(models.Model):
    """A kind of group. `group_specs` maps keys to strings; three have a meaning (contract 06 section 5).

    The one of `RESERVED_ID` is that of consistency groups, which have calls of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    is_public = models.BooleanField(default=True)
    group_specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = GroupTypeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="group_type_listing")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_reserved(self) -> bool:
        """Tell whether it is the type of consistency groups."""
        return self.pk == RESERVED_ID

    @property
    def is_consistent(self) -> bool:
        """Tell whether snapshots of its groups keep all volumes at one moment."""
        return self.group_specs.get(CONSISTENT) == YES

    @property
    def is_replicated(self) -> bool:
        """Tell whether its groups are to be replicated."""
        return any(self.group_specs.get(key) == YES for key in REPLICATED)
