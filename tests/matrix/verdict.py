"""What has to be true when a story has ended, and again when everything of it has been removed."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Sum

from backups import targets
from backups.engine.format import project_prefix
from backups.models import Repository
from backups.services import repositories
from backups.services.backups import delete_backup
from drivers.types import Fence, SnapshotRef
from storage_site.caller import SYSTEM
from storage_site.operations.admission import move
from storage_site.operations.lifecycle import BACK, GONE, KEEP
from storage_site.operations.models import Operation
from tests.matrix.stage import Stage
from volumes import backends, quotas
from volumes.models import Attachment, Group, GroupSnapshot, Survey
from volumes.services.attachments import begin_disconnecting
from volumes.services.group_snapshots import delete_group_snapshot, reset_status
from volumes.services.groups import delete_group
from volumes.services.snapshots import delete_snapshot
from volumes.services.volumes import delete_volume

# What stays in a repository from which everything was removed: keys, and marks of who wrote.
STAYS = ("keys/", "writers/", "gc/")


def after_the_story(stage: Stage) -> Iterator[str]:
    """Yield what is wrong when all operations have ended, one sentence each."""
    for operation in stage.operations().filter(outcome=""):
        yield f"{operation.verb} has not ended"
    for operation in stage.begun:
        yield from _wrong_end(stage, operation)
    yield from _lent(stage)
    yield from _on_storage_only(stage)
    if stage.volumes().exclude(growing_to_gib=None).exists():
        yield "a limit counts growth that will never be"
    yield from _miscounted(stage)


def _wrong_end(stage: Stage, operation: Operation) -> Iterator[str]:
    model: Any = apps.get_model(operation.resource_type)
    verb = model.lifecycle[operation.verb]
    row = model.objects.filter(pk=operation.resource_id).first()
    later = stage.operations().filter(resource_id=operation.resource_id, serial__gt=operation.serial)
    is_well = operation.outcome == Operation.SUCCEEDED
    if not is_well and (not operation.fault_code or len(operation.fault_detail) < len("too short")):
        yield f"{operation.verb} ended as {operation.outcome} without a reason"
    if not is_well and operation.fault_code == "defect":
        yield f"{operation.verb} ended in a defect: {operation.fault_detail}"
    wanted = verb.after if is_well else verb.on_error
    if wanted == GONE:
        if row is not None:
            yield f"the row has not gone: {row.status}"
    elif row is None:
        yield f"the row has gone after {operation.verb}"
    elif not later.exists():
        told = operation.prior_status if wanted in {BACK, KEEP} else wanted
        declined = set() if is_well else {operation.prior_status}
        if row.status not in {told, *declined}:
            yield f"its status is {row.status}, not {told}, after {operation.verb} {operation.outcome}"


def _lent(stage: Stage) -> Iterator[str]:
    if left := stage.attachments().exclude(lent_to=None).count():
        yield f"{left} attachments are still lent"


def _ids(stage: Stage) -> set[str]:
    """Return the names that anything of the project can have on the storage."""
    begun = {str(pk) for pk in stage.operations().values_list("resource_id", flat=True)}
    return begun | {row.ref().id for rows in (stage.volumes(), stage.snapshots()) for row in rows}


def _on_storage_only(stage: Stage) -> Iterator[str]:
    """Yield what the back-ends have that nobody could remove, and what should be there and is not."""
    ids = _ids(stage)
    failed = {
        str(pk)
        for pk in stage.operations().filter(verb="create", outcome="failed").values_list("resource_id", flat=True)
    }
    kinds = ((stage.volumes(), "list_volumes", {"backend": ""}), (stage.snapshots(), "list_snapshots", {"pk": None}))
    for rows, name, unplaced in kinds:
        there = {ref.id for driver in stage.drivers() for ref in getattr(driver, name)()} & ids
        known = {row.ref().id: row.status for row in rows.exclude(**unplaced)}
        for one in sorted(there - known.keys() - {ref.id for _backend, ref in stage.kept}):
            yield f"{name} has {one}, which has no row"
        for one in sorted(there & failed):
            yield f"{name} has {one}, which could not be made"
        for one in sorted(one for one, status in known.items() if status == "available" and one not in there):
            yield f"{name} has not {one}, which is available"
    for volume in stage.volumes().exclude(backend=""):
        exported = set(stage.driver_of(volume).exports(volume.ref()))
        ours = volume.attachments.exclude(export_operation=None).values_list("pk", flat=True)
        if extra := exported - {str(pk) for pk in ours}:
            yield f"volume {volume.pk} is exported to {sorted(extra)}, which are no attachments"


def _miscounted(stage: Stage) -> Iterator[str]:
    usage = quotas.usage_of(stage.project_id)
    volumes, snapshots = (rows.filter(consumes_quota=True) for rows in (stage.volumes(), stage.snapshots()))
    gigabytes = sum(rows.aggregate(sum=Sum("size_gib"))["sum"] or 0 for rows in (volumes, snapshots))
    counted = (volumes.count(), gigabytes, snapshots.count())
    if (usage.volumes, usage.gigabytes, usage.snapshots) != counted:
        yield f"the limits count {usage}, there are {counted}"


def clear(stage: Stage) -> None:
    """Remove everything of the project, as its owner can."""
    for attachment in Attachment.objects.of_clients().filter(project_id=stage.project_id):
        begin_disconnecting(attachment=attachment, caller=stage.caller)
    stage.settle()
    for backup in stage.backups():
        delete_backup(backup=backup, caller=stage.caller, force=True)
    stage.settle()
    for kept in GroupSnapshot.objects.filter(project_id=stage.project_id):
        if kept.status not in {"available", "error"}:
            reset_status(group_snapshot=kept, status="error", caller=stage.caller)
        delete_group_snapshot(group_snapshot=kept, caller=stage.caller)
    stage.settle()
    for group in Group.objects.filter(project_id=stage.project_id):
        delete_group(group=group, caller=stage.caller, with_volumes=True)
    stage.settle()
    for snapshot in stage.snapshots().filter(is_listed=True):
        delete_snapshot(snapshot=snapshot, caller=stage.caller, force=True)
    stage.settle()
    for volume in stage.volumes():
        delete_volume(volume=volume, caller=stage.caller, force=True, cascade=True)
    stage.settle()
    for survey in Survey.objects.filter(project_id=stage.project_id):
        with transaction.atomic():
            move(survey, "forget", caller=stage.caller)
    for key, ref in reversed(stage.kept):
        driver = backends.driver(key)
        remove = driver.delete_snapshot if isinstance(ref, SnapshotRef) else driver.delete_volume
        remove(ref, Fence(10**9, 2))


def after_clearing(stage: Stage) -> Iterator[str]:
    """Yield what is left of the project when its owner has removed everything."""
    for operation in stage.operations().filter(outcome=""):
        yield f"{operation.verb} has not ended after clearing"
    rows = (stage.volumes(), stage.snapshots(), stage.attachments(), stage.backups())
    for query in (*rows, Group.objects.filter(project_id=stage.project_id)):
        for row in query:
            yield f"left: {type(row).__name__} {row.pk} as {row.status}"
    ids = _ids(stage)
    for name in ("list_volumes", "list_snapshots"):
        there = {ref.id for driver in stage.drivers() for ref in getattr(driver, name)()} & ids
        yield from (f"left on the storage: {name} has {one}" for one in sorted(there))
    usage = quotas.usage_of(stage.project_id)
    if (usage.volumes, usage.gigabytes, usage.snapshots) != (0, 0, 0):
        yield f"the limits count {usage} of nothing"
    if stage.has_backups:
        yield from _in_repository(stage)


def _in_repository(stage: Stage) -> Iterator[str]:
    repository = Repository.objects.filter(target=stage.target).first()
    if repository is None:
        return
    stage.others = {str(repository.pk)}
    for _run in ("condemns", "deletes"):
        repositories.begin_collect(repository=repository, caller=SYSTEM)
        stage.settle()
    prefix = project_prefix(stage.project_id)
    for found in targets.target(stage.target).list(prefix):
        name = found.name.removeprefix(prefix)
        if not name.startswith(STAYS):
            yield f"left in the repository: {name}"
