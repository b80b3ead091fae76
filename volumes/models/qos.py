"""QoS specs: limits of throughput that volume types may share."""

import uuid

from django.db import models
from django.utils import timezone

FRONT_END, BACK_END, BOTH = "front-end", "back-end", "both"


class QosSpecs(models.Model):
    """Limits by name (contract 05 section 2), and who keeps them: the host of a volume, its back-end, or both."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    consumer = models.CharField(max_length=10, default=BACK_END)
    specs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "QoS specs"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(consumer__in=[FRONT_END, BACK_END, BOTH]), name="qos_consumer_is_known"
            )
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="qos_listing")]

    def __str__(self) -> str:
        return self.name

    def for_host(self, size_gib: int) -> dict[str, str] | None:
        """Return the limits that the host keeps for a volume of this size; None if they are not its business.

        A limit per GiB (`…_sec_per_gb`) becomes one for the whole volume, at least `…_sec_per_gb_min`.
        """
        if self.consumer == BACK_END:
            return None
        limits = {name: value for name, value in self.specs.items() if "_per_gb" not in name}
        for name, value in self.specs.items():
            if name.endswith("_per_gb") and str(value).isdecimal():
                least = str(self.specs.get(f"{name}_min", "0"))
                of_volume = max(int(value) * size_gib, int(least) if least.isdecimal() else 0)
                limits[name.removesuffix("_per_gb")] = str(of_volume)
        return limits
