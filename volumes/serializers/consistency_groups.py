"""What requests and answers of the older calls about consistency groups look like (contract 06, section 8).

Clients of that time send members that say nothing (`status`, `project_id`), so those that are not known are ignored.
"""

from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.errors import invalid_input
from storage_site.api.fields import Boolean, Identity, Moment, Plain, Text
from storage_site.api.microversions import NEVER
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.serializers.groups import LONGEST_LIST, GroupUpdate, VolumeTypesOfGroup


class ConsistencyGroupCreate(StrictSerializer):
    """A request for a consistency group; the volume types have commas between them."""

    volume_types = Text(longest=LONGEST_LIST)
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    availability_zone = Text(required=False, allow_null=True, shortest=1)

    class Meta:
        envelope = "consistencygroup"
        strict_since = NEVER

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values, the types as a list. :raises ValidationError: if there are none."""
        names = [name.strip() for name in attrs["volume_types"].split(",") if name.strip()]
        if not names:
            raise ValidationError("volume_types must be provided to create a consistency group.")
        return attrs | {"volume_types": list(dict.fromkeys(names))}


class ConsistencyGroupUpdate(GroupUpdate):
    """A request to change a consistency group."""

    class Meta:
        envelope = "consistencygroup"
        strict_since = NEVER


class ConsistencyGroupDelete(StrictSerializer):
    """Whether the volumes of a consistency group go with it."""

    force = Boolean(default=False)

    class Meta:
        envelope = "consistencygroup"
        strict_since = NEVER


class ConsistencyGroupFromSource(StrictSerializer):
    """What a consistency group is to be made from: a snapshot of one, or another one."""

    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    cgsnapshot_id = Identity(required=False, allow_null=True)
    source_cgid = Identity(required=False, allow_null=True)

    class Meta:
        envelope = "consistencygroup-from-src"
        strict_since = NEVER

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: unless exactly one source is named."""
        named = [name for name in ("cgsnapshot_id", "source_cgid") if attrs.get(name)]
        if len(named) != 1:
            reason = "exactly one of cgsnapshot_id and source_cgid must be given"
            raise ValidationError(invalid_input("consistencygroup-from-src", dict(attrs), reason))
        return attrs


class ConsistencySnapshotCreate(StrictSerializer):
    """A request to keep what the volumes of a consistency group hold."""

    consistencygroup_id = Identity()
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)

    class Meta:
        envelope = "cgsnapshot"
        strict_since = NEVER


class ConsistencyGroupDetail(AnswerSerializer):
    """A consistency group as it is shown and listed in full."""

    id = Plain()
    status = Plain()
    availability_zone = Plain()
    created_at = Moment()
    name = Plain()
    description = Plain()
    volume_types = VolumeTypesOfGroup(source="*")


class ConsistencySnapshotDetail(AnswerSerializer):
    """A snapshot of a consistency group as it is shown and listed in full."""

    id = Plain()
    consistencygroup_id = Plain(source="group_id")
    status = Plain()
    created_at = Moment()
    name = Plain()
    description = Plain()
