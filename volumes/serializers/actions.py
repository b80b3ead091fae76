"""The values of the actions on volumes (contract 02, sections 7 and 8)."""

import re
from typing import Any, ClassVar

from rest_framework.serializers import ValidationError

from storage_site.api.errors import invalid_input
from storage_site.api.fields import Boolean, Choice, Identity, Integer, Members, Metadata, Text
from storage_site.api.serializers import StrictSerializer

HOST_NAME = re.compile(r"[a-zA-Z0-9-._#@:/+]*", re.ASCII)
ANY_KEY = re.compile(r".{1,255}", re.DOTALL)
STATUSES = (
    "creating", "available", "reserved", "attaching", "detaching", "in-use", "maintenance", "error", "error_deleting",
    "managing", "error_managing", "awaiting-transfer", "backing-up", "restoring-backup", "error_backing-up",
    "error_restoring", "error_extending", "downloading", "uploading", "retyping", "extending",
)  # fmt: skip
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")


class Attach(StrictSerializer):
    """Who uses the volume: a server, a host, or both."""

    mountpoint = Text(shortest=1)
    instance_uuid = Identity(required=False)
    host_name = Text(required=False, shortest=1, form=HOST_NAME)
    mode = Choice(("rw", "ro"), default="rw")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values. :raises ValidationError: if neither a server nor a host is named."""
        if "instance_uuid" not in attrs and "host_name" not in attrs:
            label = self.context.get("label", "")
            raise ValidationError(invalid_input(label, dict(attrs), "'instance_uuid' is a required property"))
        return attrs


class Detach(StrictSerializer):
    """Which attachment is to end."""

    attachment_id = Identity(required=False, allow_null=True)

    class Meta:
        null_is_empty = True


class ForceDetach(StrictSerializer):
    """Which attachment is to end, whatever its host does."""

    attachment_id = Identity(required=False, allow_null=True)
    connector = Members(required=False, allow_null=True)


class InitializeConnection(StrictSerializer):
    """Which host is to be let in."""

    connector = Members()


class TerminateConnection(StrictSerializer):
    """Which host is to be shut out; null for all."""

    connector = Members(allow_null=True)


class Extend(StrictSerializer):
    """How large the volume is to be."""

    new_size = Integer()


class Retype(StrictSerializer):
    """Of which type the volume is to be, and whether it may be moved for that."""

    new_type = Text(shortest=1)
    migration_policy = Choice(("never", "on-demand"), default="never")


class Migrate(StrictSerializer):
    """Where the volume is to live: on a host, or in a cluster."""

    host = Text(required=False, allow_null=True, form=HOST_NAME)
    cluster = Text(required=False, allow_null=True, form=HOST_NAME)
    force_host_copy = Boolean(default=False)
    lock_volume = Boolean(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the place as `host`. :raises ValidationError: unless exactly one place is named."""
        named = [attrs[name] for name in ("host", "cluster") if attrs.get(name)]
        if len(named) != 1:
            raise ValidationError("One and only one of cluster and host must be set.")
        if attrs.get("cluster") and not self.context["request"].version.covers("3.16"):
            label = self.context.get("label", "")
            raise ValidationError(invalid_input(label, dict(attrs), "'host' is a required property"))
        return {"host": named[0], "is_locked": attrs["lock_volume"]}


class MigrateCompletion(StrictSerializer):
    """Which volume the data were copied to, and whether that has failed."""

    new_volume = Identity()
    error = Boolean(default=False)


class ExtendCompletion(StrictSerializer):
    """Whether a host could not follow the growth of a volume."""

    error = Boolean(default=False)

    class Meta:
        null_is_empty = True


class Revert(StrictSerializer):
    """Which snapshot the volume is to go back to; anything but the newest is refused by the service."""

    snapshot_id = Text(required=False, allow_null=True)


class SetBootable(StrictSerializer):
    """Whether a machine may boot from the volume."""

    bootable = Boolean()


class UpdateReadonlyFlag(StrictSerializer):
    """Whether the volume may only be read."""

    readonly = Boolean()


class SetImageMetadata(StrictSerializer):
    """What is to be known of the image on the volume."""

    metadata = Metadata(keys=ANY_KEY, longest=None)


class UnsetImageMetadata(StrictSerializer):
    """What is not to be known any more."""

    key = Text(shortest=1)


class UploadImage(StrictSerializer):
    """As what image the volume is to be kept; who may see that, and whether it can be deleted, since 3.1."""

    image_name = Text(shortest=1)
    force = Boolean(default=False)
    disk_format = Choice(("raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop"), default="raw")
    container_format = Text(default="bare", shortest=1)
    visibility = Choice(("community", "public", "private", "shared"), default="private")
    protected = Boolean(default=False)

    class Meta:
        """What later versions have added."""

        since: ClassVar = {"visibility": "3.1", "protected": "3.1"}


class Reimage(StrictSerializer):
    """What image the volume is to hold; whether one that is reserved may be given it."""

    image_id = Identity()
    reimage_reserved = Boolean(default=False)


class ResetStatus(StrictSerializer):
    """The statuses to write; null is none."""

    status = Choice(STATUSES, any_case=True, required=False, allow_null=True)
    attach_status = Choice(("attached", "detached"), any_case=True, required=False, allow_null=True)
    migration_status = Choice(MIGRATION_STATUSES, any_case=True, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what is given. :raises ValidationError: if that is nothing."""
        given = {name: value for name, value in attrs.items() if value is not None}
        if not given:
            label = self.context.get("label", "")
            raise ValidationError(invalid_input(label, dict(attrs), "'status' is a required property"))
        return given
