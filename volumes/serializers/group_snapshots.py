"""What requests and answers about snapshots of groups look like (contract 06, section 7)."""

from storage_site.api.authorisation import is_admin
from storage_site.api.fields import Choice, Identity, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.serializers.groups import PROJECT_SINCE

STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating", "error_deleting")


class GroupSnapshotCreate(StrictSerializer):
    """A request to keep what the volumes of a group hold."""

    group_id = Identity()
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)

    class Meta:
        envelope = "group_snapshot"


class GroupSnapshotResetStatus(StrictSerializer):
    """The status to write."""

    status = Choice(STATUSES)


class GroupSnapshotSummary(AnswerSerializer):
    """A snapshot of a group in the short list."""

    id = Plain()
    name = Plain()


class CreatedGroupSnapshot(GroupSnapshotSummary):
    """A snapshot of a group in the answer to its creation."""

    group_type_id = Plain(source="group.group_type_id")


class GroupSnapshotDetail(AnswerSerializer):
    """A snapshot of a group as it is shown and listed in full."""

    id = Plain()
    group_id = Plain()
    group_type_id = Plain(source="group.group_type_id")
    status = Plain()
    created_at = Moment()
    name = Plain()
    description = Plain()
    project_id = Plain()

    class Meta:
        since = {"project_id": PROJECT_SINCE}
        visible_to = {"project_id": is_admin}
