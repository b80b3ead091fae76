"""What administrators may ask about group types (contract 06 section 5)."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from storage_site.errors import InvalidRequest, NotFound
from volumes.groups.errors import GroupTypeExists, GroupTypeInUse
from volumes.models import GroupType
from volumes.models.group_types import CONSISTENT, RESERVED_ID, RESERVED_NAME, YES


@transaction.atomic
def create_group_type(
    *,
    name: str,
    description: str | None = None,
    is_public: bool = True,
    group_specs: Mapping[str, str | None] | None = None,
) -> GroupType:
    """Add a group type. :raises GroupTypeExists: if the name is taken."""
    try:
        with transaction.atomic():
            return GroupType.objects.create(
                name=name, description=description, is_public=is_public, group_specs=dict(group_specs or {})
            )
    except IntegrityError:
        raise GroupTypeExists(name) from None


@transaction.atomic
def update_group_type(*, group_type: GroupType, **changes: Any) -> GroupType:
    """Change name, description or is_public.

    :raises GroupTypeExists: if the name is taken. :raises InvalidRequest: if the type is reserved.
    """
    _require_not_reserved(group_type)
    for field, value in changes.items():
        setattr(group_type, field, value)
    group_type.updated_at = timezone.now()
    try:
        with transaction.atomic():
            group_type.save()
    except IntegrityError:
        raise GroupTypeExists(group_type.name) from None
    return group_type


@transaction.atomic
def delete_group_type(*, group_type: GroupType) -> None:
    """Remove a group type. :raises GroupTypeInUse: if groups have it. :raises InvalidRequest: if it is reserved."""
    _require_not_reserved(group_type)
    locked = _locked(group_type)
    if locked.groups.exists():
        raise GroupTypeInUse
    locked.delete()


@transaction.atomic
def merge_group_specs(*, group_type: GroupType, group_specs: Mapping[str, str | None]) -> None:
    """Add group specs, or replace some. :raises InvalidRequest: if the type is reserved."""
    _require_not_reserved(group_type)
    locked = _locked(group_type)
    _save_specs(locked, {**locked.group_specs, **group_specs})


@transaction.atomic
def delete_group_spec(*, group_type: GroupType, key: str) -> None:
    """Remove one group spec. :raises NotFound: if it is not there. :raises InvalidRequest: if the type is reserved."""
    _require_not_reserved(group_type)
    locked = _locked(group_type)
    if key not in locked.group_specs:
        raise NotFound(f"Group Type {group_type.pk} has no specs with key {key}.")
    _save_specs(locked, {name: value for name, value in locked.group_specs.items() if name != key})


def reserved_type() -> GroupType:
    """Return the type of consistency groups, which is there from the start."""
    fields = {"name": RESERVED_NAME, "group_specs": {CONSISTENT: YES}}
    return GroupType.objects.get_or_create(pk=RESERVED_ID, defaults=fields)[0]


def _require_not_reserved(group_type: GroupType) -> None:
    if group_type.is_reserved:
        raise InvalidRequest(f"Group type {group_type.name} is reserved for consistency groups.")


def _locked(group_type: GroupType) -> GroupType:
    found = GroupType.objects.select_for_update().filter(pk=group_type.pk).first()
    if found is None:
        raise NotFound(f"Group type {group_type.pk} could not be found.")
    return found


def _save_specs(group_type: GroupType, group_specs: Mapping[str, str | None]) -> None:
    group_type.group_specs = dict(group_specs)
    group_type.updated_at = timezone.now()
    group_type.save(update_fields=["group_specs", "updated_at"])
