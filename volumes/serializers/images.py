"""The answer about a volume that is being kept as an image (contract 02 section 8)."""

from typing import Any

from rest_framework.serializers import BaseSerializer

from storage_site.api.fields import Moment
from volumes.serializers.types import TypeDetail
from volumes.services.images import Upload


class ImageUpload(BaseSerializer[Any]):
    """What becomes of what: the volume's own members, and the image's."""

    def to_representation(self, instance: Upload) -> dict[str, Any]:
        """Return the members; who may see the image is told in another way since 3.1."""
        volume, version = instance.volume, self.context["request"].version
        if version.covers("3.1"):
            seen: dict[str, Any] = {"visibility": instance.visibility, "protected": instance.protected}
        else:
            seen = {"is_public": instance.visibility == "public"}
        return {
            "id": str(volume.pk),
            "updated_at": Moment().to_representation(volume.updated_at) if volume.updated_at else None,
            "status": volume.status,
            "display_description": volume.description,
            "size": volume.size_gib,
            "volume_type": TypeDetail(volume.volume_type, context=self.context).data if volume.volume_type else None,
            "image_id": instance.image_id,
            "container_format": instance.container_format,
            "disk_format": instance.disk_format,
            "image_name": instance.image_name,
            **seen,
        }
