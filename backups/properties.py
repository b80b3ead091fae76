"""What a backup keeps of its volume beside the data, and what a restored volume gets of it (contract 04, section 5)."""

from typing import Any

from backups.models import Backup
from volumes.models import Volume

UNNAMED = "restore_backup_"
"""Begins the name of a volume that a restore made, until the data are there."""
UNDESCRIBED = "auto-created_from_restore_from_backup"
"""Its description until then."""
ORIGIN = "src_backup_id"
"""In the metadata of a volume that holds what another one held: of which backup."""


def properties_of(volume: Volume) -> dict[str, Any]:
    """Return what a backup of the volume keeps of it."""
    return {
        "name": volume.name,
        "description": volume.description,
        "metadata": volume.metadata,
        "image_metadata": volume.image_metadata,
        "is_bootable": volume.is_bootable,
        "size_gib": volume.size_gib,
        "volume_type": volume.volume_type.name if volume.volume_type else None,
        "availability_zone": volume.availability_zone,
    }


def fields_after_restore(backup: Backup, volume: Volume) -> dict[str, Any]:
    """Return what the volume's row gets once the volume holds what the backup does.

    A volume that somebody named keeps its name; metadata are added to its own.
    """
    kept = backup.volume_properties
    metadata = {**volume.metadata, **kept.get("metadata", {})}
    if volume.pk != backup.volume_id:
        metadata[ORIGIN] = str(backup.pk)
    fields: dict[str, Any] = {"metadata": metadata}
    if kept.get("image_metadata"):
        fields["image_metadata"] = kept["image_metadata"]
    if kept.get("image_metadata") or kept.get("is_bootable"):
        fields["is_bootable"] = True
    if kept.get("name") and (not volume.name or volume.name.startswith(UNNAMED)):
        fields["name"] = kept["name"]
    if volume.description == UNDESCRIBED:
        fields["description"] = kept.get("description")
    return fields
