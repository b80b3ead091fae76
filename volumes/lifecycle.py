"""The lifecycle tables of volumes, attachments and snapshots: a volume's life on one screen.

Statuses are the API's own words (contract 02 section 9, contract 03 section 8). A volume that is being attached,
attached or detached shows the best of its attachments; `status_of_attachments` says which that is.
"""

from collections.abc import Iterable
from typing import Any

from storage_site import queues
from storage_site.operations.lifecycle import ANY, BACK, GIVEN, GONE, KEEP, NEW, Lifecycle, verb

DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")


def _scheduler(_resource: Any) -> str:
    return queues.SCHEDULER


def _own_backend(volume: Any) -> str:
    return queues.of_backend(volume.backend)


def _backend_of_volume(attachment: Any) -> str:
    return queues.of_backend(attachment.volume.backend)


VOLUME = Lifecycle(
    verb("create", {NEW}, during="creating", after="available", on_error="error",
         on_error_also="backups.settling.release_backups",
         task="scheduling.tasks.place_volume", queue=_scheduler, deadline_s=600),
    verb("delete", DELETABLE, during="deleting", after=GONE, on_error="error_deleting",
         task="volumes.tasks.delete_volume", queue=_own_backend),
    verb("force_delete", ANY, during="deleting", after=GONE, on_error="error_deleting",
         task="volumes.tasks.delete_volume", queue=_own_backend),
    verb("extend", {"available", "in-use"}, during="extending", after=BACK, on_error="error_extending",
         on_error_also="volumes.settling.stop_growing",
         task="volumes.tasks.extend_volume", queue=_own_backend),
    verb("revert", {"available"}, during="reverting", after="available", on_error="error",
         on_error_also="volumes.settling.release_snapshots",
         task="volumes.tasks.revert_volume", queue=_own_backend),
    # Of another type: where it is, or on another back-end; and to another back-end as it is.
    verb("retype", {"available", "in-use"}, during="retyping", after=BACK, on_error=BACK,
         on_error_also="volumes.moving.abandon", is_cancellable=True,
         task="scheduling.tasks.place_retyped", queue=_scheduler, deadline_s=86400),
    verb("migrate", {"available"}, during=KEEP, after=KEEP, on_error=KEEP,
         on_error_also="volumes.moving.abandon", is_cancellable=True,
         task="scheduling.tasks.place_migrated", queue=_scheduler, deadline_s=86400),
    verb("migrate_locked", {"available"}, during="maintenance", after=BACK, on_error=BACK,
         on_error_also="volumes.moving.abandon", is_cancellable=True,
         task="scheduling.tasks.place_migrated", queue=_scheduler, deadline_s=86400),
    # A second row of a volume that is moved: for its new storage first, for its old one afterwards.
    verb("stand_in", {NEW}, after="maintenance"),
    # Taken over from the storage, where somebody else has made it; and given up with its data kept.
    verb("manage", {NEW}, during="managing", after="available", on_error="error_managing",
         task="scheduling.tasks.place_managed", queue=_scheduler),
    verb("unmanage", {"available", "error"}, during="unmanaging", after=GONE, on_error="error_unmanaging",
         task="volumes.tasks.unmanage_volume", queue=_own_backend),
    # Given what an image holds, right after it was made or later; and kept as an image.
    verb("download", {"available"}, during="downloading", after="available", on_error="error",
         on_error_also="volumes.settling.end_lendings", is_cancellable=True,
         task="volumes.tasks.download_image", queue=_own_backend, deadline_s=3600),
    verb("reimage", {"available", "error", "reserved"}, during="downloading", after=BACK, on_error="error",
         on_error_also="volumes.settling.end_lendings",
         task="volumes.tasks.download_image", queue=_own_backend, deadline_s=3600),
    verb("upload", {"available", "in-use"}, during="uploading", after=BACK, on_error=BACK,
         on_error_also="volumes.settling.end_lendings", is_cancellable=True,
         task="volumes.tasks.upload_image", queue=_own_backend, deadline_s=3600),
    # On offer to other projects.
    verb("begin_transfer", {"available"}, after="awaiting-transfer"),
    verb("end_transfer", {"awaiting-transfer"}, after="available"),
    # Its content is read for a backup, from a snapshot; once that is taken the volume is as it was.
    verb("begin_backup", {"available", "in-use"}, after="backing-up"),
    verb("end_backup", {"backing-up"}, after=GIVEN),
    verb("restore", {"available"}, during="restoring-backup", after="available", on_error="error_restoring",
         on_error_also="backups.settling.release_backups", is_cancellable=True,
         task="backups.tasks.open_target", queue=_own_backend, deadline_s=86400),
    # Made, or deleted, by the work on the group that it belongs to.
    verb("begin_in_group", {NEW}, after="creating"),
    verb("end_in_group", {"creating"}, after=GIVEN),
    verb("begin_group_delete", {*DELETABLE, "error_deleting"}, after="deleting"),
    verb("end_group_delete", {"deleting"}, after=GONE),
    verb("fail_group_delete", {"deleting"}, after="error_deleting"),
    # Never placed, so there is nothing to remove but the row.
    verb("forget", DELETABLE, after=GONE),
    verb("force_forget", ANY, after=GONE),
    # Attaching, as the attachment calls do it; `share` is a further attachment of one that is in use.
    verb("reserve", {"available", "downloading"}, after="reserved"),
    verb("share", {"in-use", "reserved", "attaching"}, after=KEEP),
    # Attaching, as the older actions do it.
    verb("begin_attaching", {"available", "in-use"}, after="attaching"),
    verb("unreserve", {"attaching"}, after=GIVEN),
    verb("begin_detaching", {"in-use"}, after="detaching"),
    verb("roll_detaching", {"detaching"}, after="in-use"),
    # The projection of the attachments, and the operator's word.
    verb("settle", ANY, after=GIVEN),
    verb("reset", ANY, after=GIVEN),
)  # fmt: skip

ATTACHMENT = Lifecycle(
    verb("reserve", {NEW}, after="reserved"),
    verb("attach", {NEW, *("reserved", "attaching", "attached", "error_attaching")}, after="attached"),
    verb("connect", {"reserved", "attaching", "attached", "error_attaching"}, during=KEEP, after="attaching",
         on_error="error_attaching", task="volumes.tasks.connect", queue=_backend_of_volume, deadline_s=60),
    # A host that uses the volume already asks for its connection once more.
    verb("reconnect", {"attached"}, after=KEEP, on_error=KEEP,
         task="volumes.tasks.connect", queue=_backend_of_volume, deadline_s=60),
    verb("complete", ANY, after="attached"),
    verb("unexport", ANY, during=KEEP, after=BACK, on_error="error_detaching",
         task="volumes.tasks.unexport", queue=_backend_of_volume, deadline_s=600),
    verb("disconnect", ANY, during="detaching", after=GONE, on_error="error_detaching",
         on_error_also="volumes.settling.keep_in_use",
         task="volumes.tasks.disconnect", queue=_backend_of_volume, deadline_s=600),
    verb("forget", ANY, after=GONE),
)  # fmt: skip

SNAPSHOT = Lifecycle(
    verb("create", {NEW}, during="creating", after="available", on_error="error",
         task="volumes.tasks.create_snapshot", queue=_backend_of_volume),
    verb("delete", {"available", "error"}, during="deleting", after=GONE, on_error="error_deleting",
         task="volumes.tasks.delete_snapshot", queue=_backend_of_volume),
    verb("force_delete", ANY, during="deleting", after=GONE, on_error="error_deleting",
         task="volumes.tasks.delete_snapshot", queue=_backend_of_volume),
    verb("manage", {NEW}, during="creating", after="available", on_error="error",
         task="volumes.tasks.manage_snapshot", queue=_backend_of_volume),
    verb("unmanage", {"available", "error"}, during="unmanaging", after=GONE, on_error="error",
         task="volumes.tasks.unmanage_snapshot", queue=_backend_of_volume),
    # Together with its volume, whose operation does the work.
    verb("begin_cascade", {"available", "error"}, after="deleting"),
    # Taken, or removed, by the work on the snapshot of a group that it is part of.
    verb("begin_in_group", {NEW}, after="creating"),
    verb("end_in_group", {"creating"}, after=GIVEN),
    verb("begin_group_delete", {"available", "error", "error_deleting"}, after="deleting"),
    verb("fail_group_delete", {"deleting"}, after="error_deleting"),
    # While its volume is reverted to it.
    verb("begin_restoring", {"available"}, after="restoring"),
    verb("end_restoring", {"restoring"}, after="available"),
    # Read for a backup; one that is made for that alone is taken by the backup's own work.
    verb("begin_source", {NEW}, after="creating"),
    verb("take_source", {"creating"}, after="backing-up"),
    verb("begin_backup", {"available"}, after="backing-up"),
    verb("end_backup", {"backing-up"}, after="available"),
    verb("update_status", {"creating", "deleting"}, after=GIVEN),
    verb("reset", ANY, after=GIVEN),
)  # fmt: skip

SURVEY = Lifecycle(
    verb("take", {NEW}, during="taking", after="taken", on_error="error",
         task="volumes.tasks.take_survey", queue=_own_backend, deadline_s=60),
    verb("forget", ANY, after=GONE),
)  # fmt: skip

# Migration statuses of volumes that are not being moved, beside none at all; and how those begin of rows that stand in
# for one that is: its id follows.
AT_REST = frozenset({"deleting", "error", "success"})
STANDS_IN_FOR = "target:"

# What a volume shows for its attachments, the strongest first; attachments in error do not count.
_STRENGTH = (("attached", "in-use"), ("attaching", "attaching"), ("detaching", "detaching"), ("reserved", "reserved"))
# Statuses that attachments decide; in any other the volume is busy with something of its own.
SETTLED = frozenset({"available", "reserved", "attaching", "in-use", "detaching"})


def status_of_attachments(statuses: Iterable[str]) -> str:
    """Return the status of a volume whose attachments have these (contract 03 section 8)."""
    present = set(statuses)
    return next((shown for status, shown in _STRENGTH if status in present), "available")
