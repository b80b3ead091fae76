"""What requests and answers about groups look like (contract 06, section 6)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import ValidationError

from storage_site.api.authorisation import is_admin
from storage_site.api.errors import brief, invalid_input
from storage_site.api.fields import Boolean, Choice, Fixed, Identity, Moment, Plain, Strict, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.models import Group

STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating", "in-use", "error_deleting")
LONGEST_LIST = 100_000
SOURCES_SINCE, MEMBERS_SINCE, REPLICATION_SINCE, PROJECT_SINCE = "3.14", "3.25", "3.38", "3.58"


@extend_schema_field({"type": "array", "items": {"type": "string"}, "minItems": 1})
class Names(Strict, serializers.JSONField):
    """A list of names or ids, at least one."""

    type_name = "array"
    initial = []

    def to_internal_value(self, data: Any) -> list[str]:
        """Return each once; a page's form sends the list as JSON."""
        if getattr(data, "is_json_string", False):
            data = super().to_internal_value(data)
        if not isinstance(data, list):
            self.refuse(data, f"{brief(data)} is not of type 'array'")
        if not data:
            self.refuse(data, "[] is too short")
        for name in data:
            if not isinstance(name, str) or not name.strip():
                self.refuse(data, f"{brief(name)} is not of type 'string'")
        return list(dict.fromkeys(data))


class GroupCreate(StrictSerializer):
    """A request for a group."""

    group_type = Text(shortest=1)
    volume_types = Names()
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    availability_zone = Text(required=False, allow_null=True, shortest=1)

    class Meta:
        envelope = "group"


class GroupUpdate(StrictSerializer):
    """A request to change what a group is called, or what belongs to it; null leaves a member as it is."""

    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    add_volumes = Text(required=False, allow_null=True, longest=LONGEST_LIST)
    remove_volumes = Text(required=False, allow_null=True, longest=LONGEST_LIST)

    class Meta:
        envelope = "group"

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what is to change. :raises ValidationError: if that is nothing."""
        changes = {name: value for name, value in attrs.items() if value is not None}
        if not changes:
            raise ValidationError("At least one of name, description, add_volumes, remove_volumes must be given.")
        return changes


class GroupFromSource(StrictSerializer):
    """What a group is to be made from: a snapshot of a group, or another group."""

    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    group_snapshot_id = Identity(required=False, allow_null=True)
    source_group_id = Identity(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: unless exactly one source is named."""
        named = [name for name in ("group_snapshot_id", "source_group_id") if attrs.get(name)]
        if len(named) != 1:
            reason = "exactly one of group_snapshot_id and source_group_id must be given"
            raise ValidationError(invalid_input("create-from-src", dict(attrs), reason))
        return attrs


class GroupDelete(StrictSerializer):
    """Whether the volumes of a group go with it."""

    delete_volumes = Boolean(default=False)

    class Meta:
        names = {"delete_volumes": "delete-volumes"}


class GroupResetStatus(StrictSerializer):
    """The status to write."""

    status = Choice(STATUSES)


class Replication(StrictSerializer):
    """Nothing: the action says it all."""


class FailoverReplication(StrictSerializer):
    """Where the replica is to take over, and whether hosts may be at work meanwhile."""

    allow_attached_volume = Boolean(required=False)
    secondary_backend_id = Text(required=False, allow_null=True)


class VolumeTypesOfGroup(Plain):
    """The ids of the volume types of a group, as the view has fetched them."""

    def to_representation(self, group: Group) -> list[str]:
        """Return the ids."""
        return [str(volume_type.pk) for volume_type in group.volume_types.all()]


class Members(Plain):
    """The ids of the volumes of a group, as the view has fetched them."""

    def to_representation(self, group: Group) -> list[str]:
        """Return the ids."""
        return [str(volume.pk) for volume in group.volumes.all()]


class GroupSummary(AnswerSerializer):
    """A group in the short list, and in the answer to its creation."""

    id = Plain()
    name = Plain()


class GroupDetail(AnswerSerializer):
    """A group as it is shown and listed in full; with its volumes where the request says so."""

    id = Plain()
    status = Plain()
    availability_zone = Plain()
    created_at = Moment()
    name = Plain()
    description = Plain()
    group_type = Plain(source="group_type_id")
    volume_types = VolumeTypesOfGroup(source="*")
    group_snapshot_id = Plain()
    source_group_id = Plain()
    volumes = Members(source="*")
    replication_status = Fixed("disabled")
    project_id = Plain()

    class Meta:
        since = {
            "group_snapshot_id": SOURCES_SINCE,
            "source_group_id": SOURCES_SINCE,
            "volumes": MEMBERS_SINCE,
            "replication_status": REPLICATION_SINCE,
            "project_id": PROJECT_SINCE,
        }
        visible_to = {"project_id": is_admin}

    def _exists(self, attribute: str) -> bool:
        is_wanted = attribute != "volumes" or self.context.get("shows_volumes", True)
        return bool(is_wanted) and super()._exists(attribute)
