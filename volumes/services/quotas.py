"""What administrators may ask about quotas (contract 05 section 3)."""

from collections.abc import Mapping

from django.db import transaction

from volumes.errors import InvalidInput
from volumes.limits import usage_of
from volumes.models import ProjectLock, Quota, QuotaClassLimit
from volumes.quotas import UNLIMITED

DEFAULT_CLASS = "default"


@transaction.atomic
def set_limits(*, project_id: str, limits: Mapping[str, int]) -> None:
    """Set limits of one project; "" sets the defaults of all.

    :raises InvalidInput: if a limit lies below what the project uses already.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    used_of = usage_of(project_id)
    for resource, limit in limits.items():
        used = used_of.get(resource, 0)
        if UNLIMITED < limit < used:
            raise InvalidInput(
                f"Quota {resource} limit must be equal or greater than existing resources. Limit is {limit}, "
                f"existing resources are {used}."
            )
        Quota.objects.update_or_create(project_id=project_id, resource=resource, defaults={"limit": limit})


@transaction.atomic
def reset_limits(*, project_id: str) -> None:
    """Let the defaults hold for the project again."""
    Quota.objects.filter(project_id=project_id).delete()


@transaction.atomic
def set_class_limits(*, class_name: str, limits: Mapping[str, int]) -> None:
    """Set limits of a class; those of class `default` hold for every project without its own."""
    for resource, limit in limits.items():
        changed = {"resource": resource, "defaults": {"limit": limit}}
        if class_name == DEFAULT_CLASS:
            Quota.objects.update_or_create(project_id="", **changed)
        else:
            QuotaClassLimit.objects.update_or_create(class_name=class_name, **changed)
