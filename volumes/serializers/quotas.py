"""What requests about quotas look like (contract 05, section 3)."""

from typing import Any

from rest_framework import serializers

from storage_site.api.errors import invalid_input
from storage_site.api.fields import LARGEST, Integer
from storage_site.api.serializers import StrictSerializer

IGNORED = ("id", "tenant_id")


class QuotaUpdate(StrictSerializer):
    """Limits by name; which names there are, depends on the volume types: `context["keys"]`."""

    class Meta:
        envelope = "quota_set"

    def get_fields(self) -> dict[str, Any]:
        """Return a field for each limit."""
        limits = {name: Integer(required=False, smallest=-1, largest=LARGEST) for name in self.context.get("keys", ())}
        return limits | {name: serializers.JSONField(required=False, allow_null=True) for name in IGNORED}

    may_be_empty = False

    def validate(self, attrs: dict[str, Any]) -> dict[str, int]:
        """Return the limits. :raises ValidationError: if there is none."""
        limits = {name: value for name, value in attrs.items() if name not in IGNORED}
        if not attrs and not self.may_be_empty:
            raise serializers.ValidationError(invalid_input("quota_set", {}, "{} does not have enough properties"))
        return limits


class QuotaClassUpdate(QuotaUpdate):
    """Limits of a class by name."""

    may_be_empty = True

    class Meta:
        envelope = "quota_class_set"
