"""The lifecycle tables of groups and group snapshots (contract 06, sections 6 and 7).

Their work is done by operations of their own; what belongs to them takes part by instant verbs of its own tables.
"""

from typing import Any

from storage_site import queues
from storage_site.operations.lifecycle import ANY, GIVEN, GONE, KEEP, NEW, Lifecycle, verb

DELETABLE = ("available", "error", "error_deleting")


def _scheduler(_resource: Any) -> str:
    return queues.SCHEDULER


def _own_backend(group: Any) -> str:
    return queues.of_backend(group.backend)


def _backend_of_group(group_snapshot: Any) -> str:
    return queues.of_backend(group_snapshot.group.backend)


GROUP = Lifecycle(
    verb("create", {NEW}, during="creating", after="available", on_error="error",
         task="scheduling.tasks.place_group", queue=_scheduler, deadline_s=600),
    # From a snapshot of a group, or from another group: its volumes are made with it.
    verb("create_from_source", {NEW}, during="creating", after="available", on_error="error",
         on_error_also="volumes.groups.settling.fail_making",
         task="scheduling.tasks.place_group", queue=_scheduler),
    verb("update", {"available"}, after=KEEP),
    verb("delete", DELETABLE, during="deleting", after=GONE, on_error="error_deleting",
         on_error_also="volumes.groups.settling.fail_deletion",
         task="volumes.tasks.delete_group", queue=_own_backend),
    # Nothing of it is on any storage.
    verb("forget", DELETABLE, after=GONE),
    verb("reset", ANY, after=GIVEN),
)  # fmt: skip

GROUP_SNAPSHOT = Lifecycle(
    verb("create", {NEW}, during="creating", after="available", on_error="error",
         on_error_also="volumes.groups.settling.fail_keeping",
         task="volumes.tasks.create_group_snapshot", queue=_backend_of_group),
    verb("delete", {"available", "error"}, during="deleting", after=GONE, on_error="error_deleting",
         on_error_also="volumes.groups.settling.fail_giving_up",
         task="volumes.tasks.delete_group_snapshot", queue=_backend_of_group),
    verb("reset", ANY, after=GIVEN),
)  # fmt: skip
