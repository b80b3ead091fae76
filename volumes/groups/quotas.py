"""What a project's groups take up of its limit: counted from the rows, under the project's lock."""

from collections.abc import Mapping

from volumes.groups.errors import GroupLimitExceeded
from volumes.models import Group, ProjectLock
from volumes.quotas import UNLIMITED, limits_of


def usage_of(project_id: str) -> Mapping[str, int]:
    """Return what the project uses, by the name of the limit."""
    return {"groups": Group.objects.filter(project_id=project_id).count()}


def admit_group(*, project_id: str) -> None:
    """Lock the project and make sure that one more group fits. To be called in the transaction that adds it.

    :raises OverLimit: if the quota does not allow it.
    """
    ProjectLock.objects.select_for_update().get_or_create(project_id=project_id)
    limit = limits_of(project_id)["groups"]
    if limit != UNLIMITED and usage_of(project_id)["groups"] + 1 > limit:
        raise GroupLimitExceeded(limit)
