"""What a restored volume gets of what the backup keeps beside the data (contract 04, section 5)."""

from typing import Any

from backups.models import Backup
from volumes.models import Volume

UNNAMED = "restore_backup_"
"""Begins the name of a volume that a restore made, until the data are there."""
UNDESCRIBED = "auto-created_from_restore_from_backup"
"""Its description until then."""
ORIGIN = "src_backup_id"
"""In the metadata of a volume that holds what another one held: of which backup."""


def fields_after_restore(backup: Backup, volume: Volume) -> dict[str, Any]:
    """Return what the volume's row gets once the volume holds what the backup does.

    A volume that somebody named keeps its name; metadata are added to its own.
    """
    kept = backup.volume_properties
    metadata = {**volume.metadata, **(kept.get("metadata") or {})}
    if volume.pk != backup.volume_id:
        metadata[ORIGIN] = str(backup.pk)
    fields: dict[str, Any] = {"metadata": metadata}
    if kept.get("image_metadata"):
        fields["image_metadata"] = kept["image_metadata"]
    if kept.get("image_metadata") or kept.get("bootable"):
        fields["is_bootable"] = True
    if kept.get("name") and (not volume.name or volume.name.startswith(UNNAMED)):
        fields["name"] = kept["name"]
    if volume.description == UNDESCRIBED:
        fields["description"] = kept.get("description")
    return fields
