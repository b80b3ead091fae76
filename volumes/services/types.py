"""What administrators may ask about volume types (contract 05 section 1)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from storage_site.errors import Conflict, InvalidRequest, NotFound
from volumes.errors import InvalidInput, TypeExists, TypeInUse
from volumes.models import DefaultType, VolumeType, VolumeTypeAccess


@transaction.atomic
def create_type(
    *, name: str, description: str | None = None, is_public: bool = True, extra_specs: Mapping[str, Any] | None = None
) -> VolumeType:
    """Add a type. :raises TypeExists: if the name is taken. :raises InvalidInput: if its specs contradict."""
    _require_sound(extra_specs or {})
    try:
        with transaction.atomic():
            return VolumeType.objects.create(
                name=name, description=description, is_public=is_public, extra_specs=dict(extra_specs or {})
            )
    except IntegrityError:
        raise TypeExists(name) from None


@transaction.atomic
def update_type(*, volume_type: VolumeType, **changes: Any) -> VolumeType:
    """Change name, description or is_public. :raises TypeExists: if the name is taken."""
    for field, value in changes.items():
        setattr(volume_type, field, value)
    volume_type.updated_at = timezone.now()
    try:
        with transaction.atomic():
            volume_type.save()
    except IntegrityError:
        raise TypeExists(volume_type.name) from None
    return volume_type


@transaction.atomic
def delete_type(*, volume_type: VolumeType) -> None:
    """Remove a type.

    :raises TypeInUse: if volumes or groups have it. :raises InvalidRequest: if it is the default or last.
    """
    locked = VolumeType.objects.select_for_update().get(pk=volume_type.pk)
    if locked.name == settings.DEFAULT_VOLUME_TYPE:
        raise InvalidRequest("The default volume type cannot be deleted.")
    if VolumeType.objects.count() == 1:
        raise InvalidRequest("The last volume type cannot be deleted.")
    of_volumes = locked.volumes.exists() or locked.retyping_volumes.exists()
    if of_volumes or locked.groups.exists() or locked.default_of.exists():
        raise TypeInUse
    locked.delete()


@transaction.atomic
def set_default_type(*, project_id: str, volume_type: VolumeType) -> DefaultType:
    """Give a project a default type of its own."""
    return DefaultType.objects.update_or_create(project_id=project_id, defaults={"volume_type": volume_type})[0]


@transaction.atomic
def unset_default_type(*, project_id: str) -> None:
    """Let everybody's default hold for the project again."""
    DefaultType.objects.filter(project_id=project_id).delete()


@transaction.atomic
def merge_extra_specs(*, volume_type: VolumeType, extra_specs: Mapping[str, Any]) -> None:
    """Add extra specs, or replace some. :raises TypeInUse: if volumes have the type."""
    locked = _lock_unused(volume_type)
    merged = {**locked.extra_specs, **extra_specs}
    _require_sound(merged)
    _save_specs(locked, merged)


@transaction.atomic
def delete_extra_spec(*, volume_type: VolumeType, key: str) -> None:
    """Remove one extra spec. :raises NotFound: if it is not there. :raises TypeInUse: if volumes have the type."""
    locked = _lock_unused(volume_type)
    if key not in locked.extra_specs:
        raise NotFound(f"Volume Type {volume_type.pk} has no extra specs with key {key}.")
    _save_specs(locked, {name: value for name, value in locked.extra_specs.items() if name != key})


@transaction.atomic
def add_access(*, volume_type: VolumeType, project_id: str) -> None:
    """Let a project use a type. :raises InvalidInput: if it is public. :raises Conflict: if the project may already."""
    if volume_type.is_public:
        raise InvalidInput("Type access modification is not applicable to public volume type.")
    try:
        with transaction.atomic():
            VolumeTypeAccess.objects.create(volume_type=volume_type, project_id=project_id)
    except IntegrityError:
        raise Conflict(f"Volume type access for {volume_type.pk} / {project_id} combination already exists.") from None


@transaction.atomic
def remove_access(*, volume_type: VolumeType, project_id: str) -> None:
    """Take that right back. :raises InvalidInput: if the type is public. :raises NotFound: if there was none."""
    if volume_type.is_public:
        raise InvalidInput("Type access modification is not applicable to public volume type.")
    if not VolumeTypeAccess.objects.filter(volume_type=volume_type, project_id=project_id).delete()[0]:
        raise NotFound(f"Volume type access not found for {volume_type.pk} / {project_id} combination.")


def _lock_unused(volume_type: VolumeType) -> VolumeType:
    locked = VolumeType.objects.select_for_update().get(pk=volume_type.pk)
    if locked.volumes.exists() or locked.retyping_volumes.exists():
        raise TypeInUse("Volume Type is currently in use.")
    return locked


def _save_specs(volume_type: VolumeType, extra_specs: Mapping[str, Any]) -> None:
    volume_type.extra_specs = dict(extra_specs)
    volume_type.updated_at = timezone.now()
    volume_type.save(update_fields=["extra_specs", "updated_at"])


def _require_sound(extra_specs: Mapping[str, Any]) -> None:
    if extra_specs.get("multiattach") == "<is> True" and extra_specs.get("cacheable") == "<is> True":
        raise InvalidInput("A type cannot be both multiattach and cacheable.")
