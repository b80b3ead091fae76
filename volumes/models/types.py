"""Volume types: what a client may ask for, in words that placement compares with what back-ends can do."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from storage_site.caller import Caller
from volumes.models.qos import QosSpecs


class VolumeTypeQuerySet(models.QuerySet):
    """Types as a caller may see them."""

    def visible_to(self, caller: Caller) -> "VolumeTypeQuerySet":
        """Return all types for administrators; the public and the granted ones for everybody else."""
        if caller.is_admin:
            return self
        granted = VolumeTypeAccess.objects.filter(project_id=caller.project_id).values("volume_type_id")
        return self.filter(Q(is_public=True) | Q(pk__in=granted))


class VolumeType(models.Model):
    """A kind of volume. `extra_specs` maps keys to strings (contract 05 section 1, 07 section 5)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    is_public = models.BooleanField(default=True)
    extra_specs = models.JSONField(default=dict, blank=True)
    qos_specs = models.ForeignKey(QosSpecs, null=True, blank=True, on_delete=models.SET_NULL, related_name="types")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = VolumeTypeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="type_listing")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_multiattach(self) -> bool:
        """Tell whether volumes of this type may be attached several times."""
        return self.extra_specs.get("multiattach") == "<is> True"


class VolumeTypeAccess(models.Model):
    """A project that may use a type which is not public."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="access")
    project_id = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "volume type access"
        constraints = [models.UniqueConstraint(fields=["volume_type", "project_id"], name="type_access_once")]

    def __str__(self) -> str:
        return f"{self.project_id} may use {self.volume_type_id}"


class DefaultType(models.Model):
    """The type of a project's volumes for which none is named, in place of the service's own default."""

    project_id = models.CharField(max_length=64, primary_key=True)
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="default_of")

    def __str__(self) -> str:
        return f"{self.project_id}: {self.volume_type_id}"
