"""The lifecycle tables of backups and of the repositories that hold them (contract 04 section 8)."""

from typing import Any

from storage_site import queues
from storage_site.operations.lifecycle import ANY, BACK, GIVEN, GONE, KEEP, NEW, Lifecycle, verb


def _backend_of_source(backup: Any) -> str:
    return queues.of_backend(backup.backend)


def _backup(_resource: Any) -> str:
    return queues.BACKUP


BACKUP = Lifecycle(
    verb("create", {NEW}, during="creating", after="available", on_error="error",
         on_error_also="backups.settling.release_source", is_cancellable=True,
         task="backups.tasks.open_source", queue=_backend_of_source, deadline_s=86400),
    verb("import_record", {NEW}, during="creating", after="available", on_error="error",
         on_error_also="backups.settling.keep_reason",
         task="backups.tasks.import_record", queue=_backup),
    # Found in a repository by an operator whose database has lost it.
    verb("recover", {NEW}, after="available"),
    verb("delete", {"available", "error"}, during="deleting", after=GONE, on_error="error_deleting",
         on_error_also="backups.settling.keep_reason",
         task="backups.tasks.delete_backup", queue=_backup),
    verb("force_delete", ANY, during="deleting", after=GONE, on_error="error_deleting",
         on_error_also="backups.settling.keep_reason",
         task="backups.tasks.delete_backup", queue=_backup),
    # What lies on a target that is gone for good is out of reach; the row is all there is to remove.
    verb("forget", ANY, after=GONE),
    # While a volume is made what the backup holds; the volume's operation does the work.
    verb("begin_restoring", {"available"}, after="restoring"),
    verb("end_restoring", {"restoring"}, after="available"),
    # What verifying the repository found.
    verb("mark_damaged", {"available"}, after="error"),
    verb("mark_sound", {"error"}, after="available"),
    verb("reset", ANY, after=GIVEN),
)  # fmt: skip

REPOSITORY = Lifecycle(
    verb("add", {NEW}, after="available"),
    verb("collect", {"available"}, during=KEEP, after=BACK,
         task="backups.tasks.collect", queue=_backup, deadline_s=86400),
    # Reading everything may take days, which must not keep room from being given back.
    verb("verify", {"available"}, during=KEEP, after=BACK, exclusive=False, is_cancellable=True,
         task="backups.tasks.verify", queue=_backup, deadline_s=86400),
    verb("rotate", {"available"}, during=KEEP, after=BACK,
         task="backups.tasks.rotate", queue=_backup, deadline_s=86400),
)  # fmt: skip
