"""Transfers: volumes on offer to whoever knows the key."""

import uuid

from django.db import models
from django.utils import timezone

from storage_site.caller import Caller
from volumes.models.volumes import Volume


class TransferQuerySet(models.QuerySet):
    """Transfers as a caller may see them."""

    def visible_to(self, caller: Caller) -> "TransferQuerySet":
        """Return all transfers for administrators; those that the caller's project offers for everybody else."""
        return self if caller.is_admin else self.filter(project_id=caller.project_id)


class Transfer(models.Model):
    """An offer of a volume by the project `project_id`. Only a hash of the key is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(max_length=64)
    volume = models.OneToOneField(Volume, on_delete=models.CASCADE, related_name="transfer")
    name = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    without_snapshots = models.BooleanField(default=False)
    key_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TransferQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-created_at", "-id"], name="transfer_listing"),
            models.Index(fields=["-created_at", "-id"], name="transfer_listing_all"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)
