"""Encryption types: how the volumes of a type are to be encrypted."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from volumes.models.types import VolumeType

FRONT_END, BACK_END = "front-end", "back-end"


class EncryptionType(models.Model):
    """What a volume type says of encryption (contract 05 section 1.3); `key_size` is in bits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    volume_type = models.OneToOneField(VolumeType, on_delete=models.CASCADE, related_name="encryption")
    provider = models.CharField(max_length=255, blank=True)
    control_location = models.CharField(max_length=10)
    cipher = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the API says null
    key_size = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(control_location__in=[FRONT_END, BACK_END]), name="encryption_location_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} of {self.volume_type_id}"
