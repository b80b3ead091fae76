"""What requests and answers about what is on a storage look like (contract 06 section 4, 03 section 4)."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import ValidationError

from storage_site.api.fields import Boolean, Identity, Metadata, Strict, Text, VolumeText, brief
from storage_site.api.serializers import StrictSerializer
from volumes.serializers.actions import HOST_NAME
from volumes.serializers.snapshots import KEYS
from volumes.serializers.volumes import VolumeAnswer

ONE_PLACE = "Must specify exactly one of 'host' and 'cluster'."
CLUSTERS_SINCE = "3.16"


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object", "example": {"source-name": "web-server"}}]})
class Reference(Strict, serializers.Field):
    """What a storage calls something: text, or an object with that as `source-name`; "" for any other object."""

    type_name = "object"

    def to_internal_value(self, data: Any) -> str:
        """Return the name, which is no more than something to compare with."""
        name = data.get("source-name", "") if isinstance(data, Mapping) else data
        if not isinstance(data, Mapping) and not isinstance(data, str):
            self.refuse(data, f"{brief(data)} is not of type 'object', 'string'")
        return name if isinstance(name, str) and "\0" not in name else ""


class ManageVolume(StrictSerializer):
    """A request to make a volume of what is on a storage."""

    host = Text(required=False, allow_null=True, form=HOST_NAME)
    cluster = Text(required=False, allow_null=True, form=HOST_NAME)
    ref = Reference()
    name = VolumeText(required=False, allow_null=True)
    description = VolumeText(required=False, allow_null=True)
    volume_type = Text(required=False, allow_null=True)
    metadata = Metadata(required=False, allow_null=True)
    availability_zone = Text(required=False, allow_null=True, shortest=1)
    bootable = Boolean(default=False)

    class Meta:
        envelope = "volume"
        on_page = ("host", "ref", "name", "description", "volume_type", "metadata", "availability_zone", "bootable")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the place as `host`. :raises ValidationError: unless exactly one place is named."""
        named = [attrs[name] for name in ("host", "cluster") if attrs.get(name)]
        is_early = not self.context["request"].version.covers(CLUSTERS_SINCE)
        if len(named) != 1 or (is_early and attrs.get("cluster")):
            raise ValidationError(ONE_PLACE)
        return {**attrs, "host": named[0]}


class ManageSnapshot(StrictSerializer):
    """A request to make a snapshot of what is on the storage of a volume."""

    volume_id = Identity()
    ref = Reference()
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    metadata = Metadata(keys=KEYS, required=False, allow_null=True)

    class Meta:
        envelope = "snapshot"
        on_page = ("volume_id", "ref", "name", "description", "metadata")


class ManagedVolume(VolumeAnswer):
    """A volume that is being taken over, without what later microversions have added."""

    group_id = None
    provider_id = None
    shared_targets = None
    service_uuid = None
    cluster_name = None
    volume_type_id = None
    consumes_quota = None

    class Meta(VolumeAnswer.Meta):
        since: Mapping[str, str] = {}
        visible_to: Mapping[str, Any] = {"migration_status": VolumeAnswer.Meta.visible_to["migration_status"]}


def entry(found: Mapping[str, Any], *, is_snapshot: bool, in_full: bool) -> dict[str, Any]:
    """Return what an answer says of something on a storage."""
    told: dict[str, Any] = {
        "reference": {"source-name": found["name"]},
        "size": found["size_gib"],
        "safe_to_manage": not found["obstacle"],
    }
    if is_snapshot:
        told["source_reference"] = {"source-name": found["of"]}
    if in_full:
        told |= {
            "reason_not_safe": found["obstacle"] or None,
            "cinder_id": found["row"] or None,
            "extra_info": None,
        }
    return told
