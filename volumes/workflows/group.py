"""Work on all the volumes of a group."""

from functools import partial

from storage_site.operations.claims import Claimed
from volumes import backends
from volumes.group_settling import end_deletion
from volumes.models import Group, Volume
from volumes.workflows.delete import remove


def delete(op: Claimed, group: Group) -> None:
    """Have the back-end remove the volumes that go with the group; those that are not there any more as well."""
    driver = backends.driver(group.backend)
    for volume in Volume.objects.filter(group=group, status="deleting").exclude(backend="").order_by("pk"):
        remove(op, driver, volume)
    op.note(also=partial(end_deletion, group))
    op.finish()
