"""What requests and answers about backups look like (contract 04)."""

from storage_site.api.authorisation import is_admin
from storage_site.api.fields import Boolean, Choice, Identity, Links, Metadata, Moment, Plain, Text
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from storage_site.operations.models import Operation
from storage_site.operations.telling import explanation_of

METADATA_SINCE, ZONE_SINCE = "3.43", "3.51"
STATUSES = ("available", "error")


class BackupCreate(StrictSerializer):
    """A request to keep what a volume holds, or held when a snapshot of it was taken."""

    volume_id = Identity()
    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    container = Text(required=False, allow_null=True)
    incremental = Boolean(required=False)
    force = Boolean(required=False)
    snapshot_id = Identity(required=False, allow_null=True)
    metadata = Metadata(required=False, allow_null=True)
    availability_zone = Text(required=False, allow_null=True)

    class Meta:
        envelope = "backup"
        since = {"metadata": METADATA_SINCE, "availability_zone": ZONE_SINCE}


class BackupUpdate(StrictSerializer):
    """A request to change what a backup is called, or its metadata."""

    name = Text(required=False, allow_null=True)
    description = Text(required=False, allow_null=True)
    metadata = Metadata(required=False)

    class Meta:
        envelope = "backup"
        since = {"metadata": METADATA_SINCE}


class BackupRestore(StrictSerializer):
    """Which volume is to hold what the backup does, or what a new one is to be called."""

    volume_id = Identity(required=False, allow_null=True)
    name = Text(required=False, allow_null=True)

    class Meta:
        envelope = "restore"


class BackupResetStatus(StrictSerializer):
    """The status to write."""

    status = Choice(STATUSES, any_case=True)


class FailReason(Plain):
    """Why the last thing that was done to it failed; places and hosts, only administrators learn."""

    def to_representation(self, backup: object) -> str | None:
        """Return the worker's words, or what their code means."""
        reason: str | None = backup.fail_reason  # type: ignore[attr-defined]
        # That it is damaged is said in our own words.
        if not reason or backup.is_damaged or self.context["request"].user.is_admin:  # type: ignore[attr-defined]
            return reason
        return explanation_of(Operation(fault_code=getattr(backup, "fault_code", None) or "unknown"))


class BackupSummary(AnswerSerializer):
    """A backup in the short list, and in the answers to what changes one."""

    id = Plain()
    name = Plain()
    links = Links("backups")


class BackupDetail(AnswerSerializer):
    """A backup as it is shown and listed in full."""

    id = Plain()
    status = Plain()
    size = Plain(source="size_gib")
    object_count = Plain()
    availability_zone = Plain()
    container = Plain()
    created_at = Moment()
    updated_at = Moment()
    name = Plain()
    description = Plain()
    fail_reason = FailReason(source="*")
    volume_id = Plain()
    links = Links("backups")
    is_incremental = Plain()
    has_dependent_backups = Plain()
    snapshot_id = Plain()
    data_timestamp = Moment()
    metadata = Plain()
    project_id = Plain()
    user_id = Plain()

    class Meta:
        since = {"metadata": METADATA_SINCE, "project_id": "3.18", "user_id": "3.56"}
        visible_to = {"project_id": is_admin, "user_id": is_admin}
        names = {"project_id": "os-backup-project-attr:project_id"}
