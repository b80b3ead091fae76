"""What administrators may ask about encryption types (contract 05 section 1.3)."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from volumes.errors import EncryptionExists, EncryptionInUse, EncryptionMissing
from volumes.models import EncryptionType, VolumeType


@transaction.atomic
def create_encryption(*, volume_type: VolumeType, **members: Any) -> EncryptionType:
    """Say how volumes of a type are encrypted. :raises EncryptionInUse: if there are some. :raises EncryptionExists."""
    locked = _lock_unused(volume_type)
    if EncryptionType.objects.filter(volume_type=locked).exists():
        raise EncryptionExists(locked.pk)
    return EncryptionType.objects.create(volume_type=locked, **members)


@transaction.atomic
def update_encryption(*, volume_type: VolumeType, **members: Any) -> None:
    """Change it. :raises EncryptionMissing: if there is none. :raises EncryptionInUse: if the type has volumes."""
    locked = _lock_unused(volume_type)
    rows = EncryptionType.objects.filter(volume_type=locked)
    if not rows.update(updated_at=timezone.now(), **members):
        raise EncryptionMissing(locked.pk)


@transaction.atomic
def delete_encryption(*, volume_type: VolumeType) -> None:
    """Have volumes of the type not encrypted any more. Raises as updating does."""
    locked = _lock_unused(volume_type)
    if not EncryptionType.objects.filter(volume_type=locked).delete()[0]:
        raise EncryptionMissing(locked.pk)


def _lock_unused(volume_type: VolumeType) -> VolumeType:
    locked = VolumeType.objects.select_for_update().get(pk=volume_type.pk)
    if locked.volumes.exists():
        raise EncryptionInUse
    return locked
