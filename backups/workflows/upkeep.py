"""Looking after a repository: giving room back, verifying, wrapping keys anew; one project after the other."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from struct import Struct
from typing import Any
from uuid import UUID

from django.utils import timezone

from backups import models, repositories
from backups.engine import gc
from backups.engine import verify as engine
from backups.engine.errors import CollectorBusy, Damaged, KeyMissing
from backups.engine.manifest import backup_ids
from backups.engine.marks import Writer
from backups.engine.progress import Hooks
from backups.engine.repository import ProjectStore, Repository
from backups.limits import limit_for
from backups.models import Backup
from storage_site.caller import SYSTEM
from storage_site.operations.admission import move
from storage_site.operations.claims import Claimed
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation

logger = logging.getLogger(__name__)

DAMAGED = "Some of its data are damaged or missing where backups are kept; the next backup of the volume may heal it."
_TOKEN = Struct(">QQ")
_LARGEST_SERIAL = 2**63 - 1
MOST_TOLD = 100
"""Of problems, so many are kept on the row; the log has all."""


def collect(op: Claimed, row: models.Repository) -> None:
    """Delete what was condemned by an earlier run and is needed by no backup; condemn what is needed by none now."""
    repository = _opened(row)
    repository.target.check()  # which clears what killed writers left half written
    total: dict[str, int] = dict(op.operation.checkpoint.get("total", {}))
    troubles: dict[str, str] = dict(op.operation.checkpoint.get("troubles", {}))
    for project_id in _left(op, repository):
        try:
            store = repositories.store_in(row, repository, project_id)
            done = gc.collect(store, is_dead=_is_dead, limit=limit_for(op, project_id), holder=holder_of(op))
        except (CollectorBusy, Damaged, KeyMissing) as error:
            # The others must not wait for this one, whose turn comes again with the next run.
            logger.warning("nothing collected", extra={"project_id": project_id, "reason": str(error)})
            troubles[project_id] = str(error)
        else:
            for name, count in asdict(done).items():
                if isinstance(count, int):
                    total[name] = total.get(name, 0) + count
        op.note(checkpoint={"project": project_id, "total": total, "troubles": troubles})
    op.finish(collected_at=timezone.now(), findings={**_findings(row), "collected": {**total, "troubles": troubles}})


def verify(op: Claimed, row: models.Repository) -> None:
    """Look at everything's structure and at a part of the data; show on backups whether they can be restored."""
    repository = _opened(row)
    part = float(op.operation.arguments.get("part", 1.0))
    found: dict[str, Any] = {"problems": 0, "concerned": 0, "examples": [], "without_row": [], "troubles": {}}
    found |= op.operation.checkpoint.get("found", {})
    for project_id in _left(op, repository):
        try:
            store = repositories.store_in(row, repository, project_id)
        except KeyMissing as error:
            found["troubles"][project_id] = str(error)
            op.note(checkpoint={"project": project_id, "found": found})
            continue
        report = _verified(op, row, store, part)
        _add(found, project_id, report)
        found["without_row"] = [*found["without_row"], *_without_row(store)][:MOST_TOLD]
        also = partial(_mark, row.target, project_id, report.concerned)
        op.note(checkpoint={"project": project_id, "found": found}, also=also)
    op.finish(verified_at=timezone.now(), findings={**_findings(row), "verified": {**found, "part": part}})


def rotate(op: Claimed, row: models.Repository) -> None:
    """Wrap all projects' keys by the first of the master keys; what others wrapped is dropped."""
    repository = _opened(row)
    count = repository.rotate(repositories.master_keys())
    kept = models.ProjectKey.objects.filter(repository=row, project_id__in=list(repository.projects()))
    op.finish(also=kept.delete, findings={**_findings(row), "rotated": {"projects": count}})


def _opened(row: models.Repository) -> Repository:
    return repositories.open_repository(row.target)[1]


def _left(op: Claimed, repository: Repository) -> Iterable[str]:
    """Yield the projects that this operation has not come to yet."""
    last = str(op.operation.checkpoint.get("project", ""))
    for project_id in sorted(set(repository.projects())):
        if project_id > last:
            op.check()
            yield project_id


def _findings(row: models.Repository) -> dict[str, Any]:
    """Return what is known of the repository, as it is now: what else looks after it writes there, too."""
    row.refresh_from_db(fields=["findings"])
    return dict(row.findings)


def holder_of(op: Claimed) -> gc.Holder:
    """Return this claim as one that collects. A claim that was lost has left its name, and takes nothing away."""
    token = _TOKEN.pack(op.fence.operation, op.fence.claim)
    return gc.Holder(token, is_over=_is_over, check=op.check)


def _is_over(token: bytes) -> bool:
    """Tell whether the claim of this name holds its operation no more; of names that are none of ours nobody knows."""
    if len(token) != _TOKEN.size:
        return False
    serial, claim = _TOKEN.unpack(token)
    known = Operation.objects.filter(serial=serial, verb="collect") if serial <= _LARGEST_SERIAL else ()
    return any(operation.is_finished or operation.fence > claim for operation in known)


def _is_dead(writer: Writer) -> bool:
    """Return whether nobody will go on with this backup: nothing unfinished makes it."""
    try:
        backup_id = UUID(writer.backup_id)
    except ValueError:
        return True  # no backup of ours
    making = Operation.objects.filter(resource_type=label_of(Backup), resource_id=backup_id, outcome="")
    return not making.filter(verb="create").exists()


def _verified(op: Claimed, row: models.Repository, store: ProjectStore, part: float) -> engine.Report:
    def is_cancelled() -> bool:
        op.check()
        return False

    backups = Backup.objects.filter(target=row.target, stored_in=store.project_id, digest__isnull=False)
    kept = backups.filter(status__in=["available", "restoring", "error"]).values_list("pk", "digest")
    digests = {str(pk): bytes(digest) for pk, digest in kept}
    hooks = Hooks(is_cancelled=is_cancelled, limit=limit_for(op, store.project_id))
    return engine.verify(store, digests=digests, hooks=hooks, options=engine.Options(part=part))


def _add(found: dict[str, Any], project_id: str, report: engine.Report) -> None:
    """Add what was found of one project, with examples for the console."""
    found["problems"] += len(report.problems)
    found["concerned"] += len(report.concerned)
    for problem in report.problems:
        told = {"project_id": project_id, "object": problem.name, "reason": problem.reason}
        logger.error("backup data damaged", extra=told)
        if len(found["examples"]) < MOST_TOLD:
            found["examples"].append(told)


def _without_row(store: ProjectStore) -> list[str]:
    """Return backups that take up room and that nobody can see: the database was lost, or is older."""
    known = set(map(str, Backup.objects.filter(stored_in=store.project_id).values_list("pk", flat=True)))
    return [backup_id for backup_id in backup_ids(store) if backup_id not in known]


def _mark(target: str, project_id: str, concerned: Mapping[str, str]) -> None:
    """Show backups that cannot be restored as damaged, and those that were and can be again as sound."""
    backups = Backup.objects.filter(target=target, stored_in=project_id)
    for backup in backups.filter(pk__in=concerned, status="available"):
        fields = {"is_damaged": True, "fail_reason": DAMAGED}
        move(backup, "mark_damaged", caller=SYSTEM, fields=fields, reason=concerned[str(backup.pk)])
    for backup in backups.filter(is_damaged=True, status="error").exclude(pk__in=concerned):
        move(backup, "mark_sound", caller=SYSTEM, fields={"is_damaged": False, "fail_reason": None})
