"""Actions on a volume (contract 02, sections 7 and 8)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from storage_site.api.actions import ActionView, action
from storage_site.errors import NotFound
from volumes import lookups
from volumes.models import Volume
from volumes.serializers import actions as shapes
from volumes.serializers.images import ImageUpload
from volumes.services import connections, contents, images, managing, moving
from volumes.services import volumes as services
from volumes.views.volumes import NOT_FOUND


class VolumeActions(ActionView):
    """What may be done with a volume, by name."""

    refuses = {"POST": (500,)}

    not_found = NOT_FOUND
    waits = frozenset({"os-initialize_connection", "os-terminate_connection"})

    def rows(self) -> QuerySet[Any]:
        """Return every volume that the caller may see."""
        return Volume.objects.visible_to(self.caller)

    # --- attaching, the older way ----------------------------------------------------------------------------

    @action("os-reserve")
    def reserve(self, volume: Volume) -> None:
        """Announce that the volume is about to be attached."""
        services.begin_attaching(volume=volume, caller=self.caller)

    @action("os-unreserve")
    def unreserve(self, volume: Volume) -> None:
        """Take that back."""
        services.unreserve(volume=volume, caller=self.caller)

    @action("os-attach", reads=shapes.Attach)
    def attach(
        self,
        volume: Volume,
        mountpoint: str,
        mode: str,
        instance_uuid: str | None = None,
        host_name: str | None = None,
    ) -> None:
        """Record who uses the volume."""
        connections.attach_volume(
            volume=volume,
            caller=self.caller,
            mountpoint=mountpoint,
            instance_id=UUID(instance_uuid) if instance_uuid else None,
            host_name=host_name,
            mode=mode,
        )

    @action("os-begin_detaching")
    def begin_detaching(self, volume: Volume) -> None:
        """Announce that the volume is about to be detached."""
        services.begin_detaching(volume=volume, caller=self.caller)

    @action("os-roll_detaching")
    def roll_detaching(self, volume: Volume) -> None:
        """Take that back."""
        services.roll_detaching(volume=volume, caller=self.caller)

    @action("os-detach", reads=shapes.Detach)
    def detach(self, volume: Volume, attachment_id: str | None = None) -> None:
        """Record that the volume is not used any more."""
        connections.detach_volume(volume=volume, caller=self.caller, attachment_id=_uuid(attachment_id))

    @action("os-force_detach", reads=shapes.ForceDetach)
    def force_detach(self, volume: Volume, attachment_id: str | None = None, connector: Any = None) -> None:
        """End an attachment whatever its host does."""
        del connector  # Every export of the attachment ends, so the host need not be named.
        connections.force_detach(volume=volume, caller=self.caller, attachment_id=_uuid(attachment_id))

    @action("os-initialize_connection", reads=shapes.InitializeConnection, status=200)
    def initialize_connection(self, volume: Volume, connector: dict[str, Any]) -> dict[str, Any]:
        """Let a host in and tell it how."""
        answer = connections.initialize_connection(volume=volume, connector=connector, caller=self.caller)
        return {"connection_info": answer}

    @action("os-terminate_connection", reads=shapes.TerminateConnection)
    def terminate_connection(self, volume: Volume, connector: dict[str, Any] | None) -> None:
        """Shut a host out."""
        connections.terminate_connection(volume=volume, connector=connector, caller=self.caller)

    # --- its data ---------------------------------------------------------------------------------------------

    @action("os-extend", reads=shapes.Extend)
    def extend(self, volume: Volume, new_size: int) -> None:
        """Make the volume larger."""
        is_online = self.request.version.covers("3.42")
        contents.extend_volume(volume=volume, size_gib=new_size, is_online=is_online, caller=self.caller)

    @action("os-retype", reads=shapes.Retype)
    def retype(self, volume: Volume, new_type: str, migration_policy: str) -> None:
        """Make the volume one of another type."""
        moving.retype_volume(
            volume=volume,
            volume_type=lookups.required_type_of(self.caller, new_type),
            may_move=migration_policy == moving.ON_DEMAND,
            caller=self.caller,
        )

    @action("revert", reads=shapes.Revert, since="3.40")
    def revert(self, volume: Volume, snapshot_id: Any = None) -> None:
        """Give the volume the content of its newest snapshot again."""
        contents.revert_volume(volume=volume, snapshot_id=snapshot_id, caller=self.caller)

    @action("os-volume_upload_image", reads=shapes.UploadImage)
    def upload_image(self, volume: Volume, **wanted: Any) -> dict[str, Any]:
        """Keep what the volume holds as an image."""
        image = images.upload_image(volume=volume, caller=self.caller, **wanted)
        return {"os-volume_upload_image": ImageUpload(image, context={"request": self.request}).data}

    @action("os-reimage", reads=shapes.Reimage, since="3.68")
    def reimage(self, volume: Volume, image_id: str, *, reimage_reserved: bool) -> None:
        """Give the volume what an image holds."""
        images.reimage_volume(
            volume=volume, image_id=str(image_id), may_be_reserved=reimage_reserved, caller=self.caller
        )

    # --- what is recorded of the volume ----------------------------------------------------------------------

    @action("os-set_bootable", reads=shapes.SetBootable, status=200)
    def set_bootable(self, volume: Volume, *, bootable: bool) -> None:
        """Say whether a machine may boot from the volume."""
        services.set_bootable(volume=volume, is_bootable=bootable, caller=self.caller)

    @action("os-update_readonly_flag", reads=shapes.UpdateReadonlyFlag)
    def update_readonly_flag(self, volume: Volume, *, readonly: bool) -> None:
        """Say whether the volume may only be read."""
        services.set_readonly(volume=volume, is_readonly=readonly, caller=self.caller)

    @action("os-set_image_metadata", reads=shapes.SetImageMetadata, status=200)
    def set_image_metadata(self, volume: Volume, metadata: dict[str, str]) -> dict[str, Any]:
        """Add to what is known of the image on the volume."""
        return {"metadata": services.merge_image_metadata(volume=volume, metadata=metadata, caller=self.caller)}

    @action("os-show_image_metadata", status=200)
    def show_image_metadata(self, volume: Volume) -> dict[str, Any]:
        """Show what is known of the image on the volume."""
        return {"metadata": volume.image_metadata}

    @action("os-unset_image_metadata", reads=shapes.UnsetImageMetadata, status=200)
    def unset_image_metadata(self, volume: Volume, key: str) -> None:
        """Remove a pair of what is known of the image on the volume."""
        if key not in volume.image_metadata:
            raise NotFound(f"Glance metadata for volume/snapshot {volume.pk} cannot be found.")
        services.delete_image_metadata(volume=volume, key=key, caller=self.caller)

    # --- administrators' own ---------------------------------------------------------------------------------

    @action("os-reset_status", reads=shapes.ResetStatus)
    def reset_status(self, volume: Volume, **statuses: str) -> None:
        """Set the record straight by hand."""
        services.reset_status(volume=volume, caller=self.caller, **statuses)

    @action("os-migrate_volume", reads=shapes.Migrate)
    def migrate(self, volume: Volume, host: str, *, is_locked: bool) -> None:
        """Move the volume to another back-end."""
        moving.migrate_volume(volume=volume, host=host, is_locked=is_locked, caller=self.caller)

    @action("os-migrate_volume_completion", reads=shapes.MigrateCompletion, status=200)
    def migrate_completion(self, volume: Volume, new_volume: str, *, error: bool) -> dict[str, Any]:
        """Take note that what another service copied is complete, or has failed."""
        kept = moving.complete_migration(volume=volume, new_volume_id=new_volume, is_failed=error, caller=self.caller)
        return {"save_volume_id": str(kept.pk)}

    @action("os-unmanage")
    def unmanage(self, volume: Volume) -> None:
        """Forget the volume, and leave its data where they are."""
        managing.unmanage_volume(volume=volume, caller=self.caller)

    @action("os-extend_volume_completion", reads=shapes.ExtendCompletion)
    def extend_completion(self, volume: Volume, *, error: bool) -> None:
        """Take note that a host has seen the new size: which no back-end waits for."""
        del error
        contents.complete_extension(volume=volume)

    @action("os-force_delete")
    def force_delete(self, volume: Volume) -> None:
        """Delete the volume whatever its status is."""
        services.delete_volume(volume=volume, caller=self.caller, force=True)


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
