"""What belonging to a group means for a volume (contract 02 section 2, contract 06 section 6)."""

from storage_site.operations.admission import lock
from volumes.errors import InvalidInput
from volumes.groups.errors import InvalidGroup
from volumes.models import Group, Volume, VolumeType
from volumes.sources import Inheritance

TAKES_MEMBERS = ("available", "creating")


def admit_new(group: Group, volume_type: VolumeType | None, inherited: Inheritance | None) -> Group:
    """Make sure that a volume of this type may be made in the group, and return that, locked.

    :raises InvalidInput: if the type is not named or not among the group's, or the volume would have to be elsewhere.
    :raises InvalidGroup: if the group's status does not admit it.
    """
    locked = lock(group)
    if volume_type is None:
        raise InvalidInput("volume_type must be given to create a volume in a group.")
    if locked.status not in TAKES_MEMBERS:
        raise InvalidGroup(f"Group {locked.pk} must be available or creating, but its status is {locked.status}.")
    require_type(locked, volume_type)
    pinned = (inherited.arguments.get("pinned") if inherited else None) or {}
    if pinned and locked.backend and pinned["backend"] != locked.backend:
        raise InvalidInput(f"What the volume is to be made from is not where the volumes of group {locked.pk} are.")
    return locked


def require_type(group: Group, volume_type: VolumeType | None) -> None:
    """Make sure that volumes of the type may belong to the group. :raises InvalidInput: if they may not."""
    if volume_type is None or not group.volume_types.filter(pk=volume_type.pk).exists():
        name = volume_type.name if volume_type else None
        raise InvalidInput(f"Volume type {name} is not among the volume types of group {group.pk}.")


def members_of(group: Group) -> list[Volume]:
    """Return the volumes of the group, locked, in the order in which everybody locks several."""
    rows = Volume.objects.select_for_update(of=("self",)).filter(group=group)
    return list(rows.select_related("volume_type").order_by("pk"))
