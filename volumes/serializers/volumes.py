"""What requests and answers about volumes look like (contract 02)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.serializers import ValidationError

from storage_site.api.authorisation import is_admin
from storage_site.api.errors import brief, invalid_input
from storage_site.api.fields import (
    UUID_FORM,
    Boolean,
    Fixed,
    Identity,
    Integer,
    Links,
    Members,
    Metadata,
    Moment,
    Plain,
    Text,
    VolumeText,
    Word,
)
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from storage_site.caller import SERVICE, Caller
from volumes.models import Attachment, Volume


class Hints(Members):
    """What the scheduler is to heed: of these, some name volumes or a server."""

    _NAMING = ("same_host", "different_host", "local_to_instance")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the hints."""
        hints = super().to_internal_value(data)
        for name in self._NAMING:
            named = hints.get(name)
            for each in named if isinstance(named, list) else [named]:
                if each is not None and not (isinstance(each, str) and UUID_FORM.fullmatch(each)):
                    raise ValidationError(invalid_input(name, named, f"{brief(each)} is not a 'uuid'"))
        return hints


class VolumeCreate(StrictSerializer):
    """A request for a volume."""

    size = Integer(required=False, allow_null=True)
    name = VolumeText(required=False, allow_null=True)
    description = VolumeText(required=False, allow_null=True)
    volume_type = Text(required=False, allow_null=True)
    availability_zone = Text(required=False, allow_null=True, shortest=1)
    metadata = Metadata(required=False, allow_null=True)
    multiattach = Boolean(required=False)
    snapshot_id = Identity(required=False, allow_null=True)
    source_volid = Identity(required=False, allow_null=True)
    backup_id = Identity(required=False, allow_null=True)
    imageRef = Text(required=False, allow_null=True, shortest=1)  # noqa: N815 - the API's word
    image_id = Text(required=False, allow_null=True, shortest=1)
    group_id = Text(required=False, allow_null=True)
    consistencygroup_id = Text(required=False, allow_null=True)
    display_name = VolumeText(required=False, allow_null=True)
    display_description = VolumeText(required=False, allow_null=True)
    scheduler_hints = Hints(required=False, allow_null=True)

    class Meta:
        envelope = "volume"
        beside = {"OS-SCH-HNT:scheduler_hints": "scheduler_hints"}
        strict_since = "3.53"
        older_names = {"display_name": "name", "display_description": "description", "image_id": "imageRef"}
        on_page = ("size", "name", "description", "volume_type", "availability_zone", "metadata")


class VolumeUpdate(StrictSerializer):
    """A request to change what a volume is called, or its metadata."""

    name = VolumeText(required=False, allow_null=True)
    description = VolumeText(required=False, allow_null=True)
    metadata = Metadata(required=False)
    display_name = VolumeText(required=False, allow_null=True)
    display_description = VolumeText(required=False, allow_null=True)

    class Meta:
        envelope = "volume"
        older_names = {"display_name": "name", "display_description": "description"}
        on_page = ("name", "description", "metadata")


class VolumeMetadata(Plain):
    """A volume's metadata; `readonly` and `attached_mode` stand among it once they are set."""

    def to_representation(self, volume: Volume) -> dict[str, str]:
        """Return all pairs."""
        shown = dict(volume.metadata)
        if volume.is_readonly is not None:
            shown["readonly"] = str(volume.is_readonly)
        if volume.attached_mode:
            shown["attached_mode"] = volume.attached_mode
        return shown


class AttachmentsOfVolume(Plain):
    """Who uses a volume: its finished attachments, as the view has fetched them; a new volume has none.

    On which host, only administrators and services learn.
    """

    def to_representation(self, volume: Volume) -> list[dict[str, Any]]:
        """Return an entry for each."""
        return [self._entry(each) for each in getattr(volume, "shown_attachments", ())]

    def _entry(self, attachment: Attachment) -> dict[str, Any]:
        caller = self.context["request"].user
        volume_id = str(attachment.volume_id)
        attached_at = attachment.attached_at
        return {
            "id": volume_id,
            "attachment_id": str(attachment.pk),
            "volume_id": volume_id,
            "server_id": str(attachment.instance_id) if attachment.instance_id else None,
            "host_name": attachment.host_name if _sees_hosts(caller) else None,
            "device": attachment.mountpoint,
            "attached_at": Moment().to_representation(attached_at) if attached_at else None,
        }


def _sees_hosts(caller: Caller) -> bool:
    return caller.is_admin or caller.is_service or SERVICE in caller.roles


class VolumeSummary(AnswerSerializer):
    """A volume in the short list."""

    id = Plain()
    name = Plain()
    links = Links("volumes")


class Shown(Plain):
    """A status in the words that clients know (contract 02 section 3)."""

    words: Mapping[str, str] = {
        "managing": "creating",
        "error_managing": "error",
        "error_managing_deleting": "deleting",
    }

    def to_representation(self, value: Any) -> Any:
        """Return the word."""
        return self.words.get(value, value)


class VolumeAnswer(AnswerSerializer):
    """A volume in the answers to what changes one."""

    id = Plain()
    status = Shown()
    size = Plain(source="size_gib")
    availability_zone = Plain()
    created_at = Moment()
    updated_at = Moment()
    name = Plain()
    description = Plain()
    volume_type = Plain(source="volume_type.name", default=None)
    snapshot_id = Plain()
    source_volid = Plain(source="source_volume_id")
    metadata = VolumeMetadata(source="*")
    links = Links("volumes")
    user_id = Plain()
    bootable = Word(source="is_bootable")
    encrypted = Fixed(value=False)
    replication_status = Fixed(None)
    consistencygroup_id = Plain(source="consistency_group_id")
    multiattach = Plain(source="is_multiattach")
    attachments = AttachmentsOfVolume(source="*")
    migration_status = Plain()
    group_id = Plain()
    provider_id = Fixed(None)
    # Each volume has an export of its own: no host needs a lock against its neighbours.
    shared_targets = Fixed(value=False)
    service_uuid = Plain(default=None)
    cluster_name = Fixed(None)
    volume_type_id = Plain()
    consumes_quota = Plain()

    class Meta:
        since = {
            "group_id": "3.13",
            "provider_id": "3.21",
            "shared_targets": "3.48",
            "service_uuid": "3.48",
            "cluster_name": "3.61",
            "volume_type_id": "3.63",
            "consumes_quota": "3.65",
        }
        visible_to = {"migration_status": is_admin, "provider_id": is_admin, "cluster_name": is_admin}


class VolumeDetail(VolumeAnswer):
    """A volume as it is shown and listed in full."""

    tenant_id = Plain(source="project_id")
    host = Plain()
    migstat = Plain(source="migration_status")
    name_id = Plain()
    volume_image_metadata = Plain(source="image_metadata")

    class Meta(VolumeAnswer.Meta):
        names = {
            "tenant_id": "os-vol-tenant-attr:tenant_id",
            "host": "os-vol-host-attr:host",
            "migstat": "os-vol-mig-status-attr:migstat",
            "name_id": "os-vol-mig-status-attr:name_id",
        }
        visible_to = VolumeAnswer.Meta.visible_to | {"host": is_admin, "migstat": is_admin, "name_id": is_admin}
        absent_if_empty = ("volume_image_metadata",)


class MetadataBody(StrictSerializer):
    """Metadata to merge, or to put in the place of what is there."""

    metadata = Metadata()


class MetadataItem(StrictSerializer):
    """One pair of metadata."""

    meta = Metadata()
