"""What requests and answers about snapshots look like (contract 03, part 1)."""

import re
from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.errors import invalid_input
from storage_site.api.fields import Boolean, Choice, Identity, Metadata, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from volumes.models import Snapshot

KEYS = re.compile(r"[a-zA-Z0-9-_:. ]{1,255}", re.ASCII)
PERCENTAGE = re.compile(r"(\d{1,2}|100)%", re.ASCII)
STATUSES = (
    "error", "available", "creating", "deleting", "deleted", "updating", "error_deleting", "unmanaging", "backing-up",
    "restoring",
)  # fmt: skip


class SnapshotCreate(StrictSerializer):
    """A request to keep what a volume holds."""

    volume_id = Identity(allow_null=True)
    name = Text(required=False, allow_null=True)
    display_name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    metadata = Metadata(keys=KEYS, required=False, allow_null=True)
    force = Boolean(required=False)

    class Meta:
        envelope = "snapshot"
        older_names = {"display_name": "name"}
        on_page = ("volume_id", "name", "description", "metadata", "force")


class SnapshotUpdate(StrictSerializer):
    """A request to change what a snapshot is called."""

    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    display_name = Text(required=False, allow_null=True)
    display_description = Text(required=False, allow_null=True)

    class Meta:
        envelope = "snapshot"
        older_names = {"display_name": "name", "display_description": "description"}
        on_page = ("name", "description")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the changes. :raises ValidationError: if there are none."""
        if not attrs:
            raise ValidationError(invalid_input("snapshot", {}, "{} does not have enough properties"))
        return attrs


class SnapshotMetadataBody(StrictSerializer):
    """Metadata to merge, or to put in the place of what is there."""

    metadata = Metadata(keys=KEYS)


class SnapshotMetadataItem(StrictSerializer):
    """One pair of metadata."""

    meta = Metadata(keys=KEYS)


class SnapshotResetStatus(StrictSerializer):
    """The status to write."""

    status = Choice(STATUSES, any_case=True)


class SnapshotUpdateStatus(StrictSerializer):
    """How far another service is with a snapshot that it makes or deletes itself."""

    status = Choice(("creating", "available", "error", "deleting", "error_deleting"))
    progress = Text(required=False, form=PERCENTAGE, trim_whitespace=False)


class SnapshotSummary(AnswerSerializer):
    """A snapshot in the short list."""

    id = Plain()
    created_at = Moment()
    updated_at = Moment()
    name = Plain()
    description = Plain()
    volume_id = Plain()
    status = Plain()
    size = Plain(source="size_gib")
    metadata = Plain()


class SnapshotAnswer(SnapshotSummary):
    """A snapshot in the answers to what changes one."""

    group_snapshot_id = Plain()
    user_id = Plain()
    consumes_quota = Plain()

    class Meta:
        since = {"group_snapshot_id": "3.14", "user_id": "3.41", "consumes_quota": "3.65"}


class Progress(Plain):
    """How much of the snapshot there is: what another service has told, else all or nothing."""

    def to_representation(self, snapshot: Snapshot) -> str:
        """Return a percentage as text."""
        return snapshot.progress or ("0%" if snapshot.status == "creating" else "100%")


class SnapshotDetail(SnapshotAnswer):
    """A snapshot as it is shown and listed in full."""

    progress = Progress(source="*")
    project_id = Plain()

    class Meta(SnapshotAnswer.Meta):
        names = {
            "progress": "os-extended-snapshot-attributes:progress",
            "project_id": "os-extended-snapshot-attributes:project_id",
        }
