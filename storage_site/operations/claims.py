"""Holding an operation: a conditional UPDATE takes it, every later write says WHERE fence = mine."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone

from drivers.types import Fence
from storage_site.caller import SYSTEM, Caller
from storage_site.operations import boundaries, doorbell, shutdown
from storage_site.operations.clock import in_seconds
from storage_site.operations.errors import LeaseLost
from storage_site.operations.lifecycle import BACK, GONE, KEEP, Verb
from storage_site.operations.models import Operation
from storage_site.operations.progress import Progress
from storage_site.operations.projection import project, project_failure
from storage_site.operations.resources import Resource

logger = logging.getLogger(__name__)

R = TypeVar("R")
WAITS = "waits"  # in a checkpoint: how often the work has been put off since it last advanced
OWNER = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def claim(operation_id: str, *, task: str, queue: str | None = None, owner: str = "") -> "Claimed | None":
    """Take the operation if it is due and nobody holds it; return None if somebody does or it has ended.

    A bell that has grown old names a task or a queue that the operation has left: it takes nothing.
    A claim whose lease ran out counts as an attempt; one that was handed back does not.
    """
    free = Q(owner="") | Q(lease_until__lt=Now())
    rows = Operation.objects.filter(free, id=operation_id, outcome="", task=task, not_before__lte=Now())
    if queue:
        rows = rows.filter(queue=queue)
    owner = owner or f"{OWNER}/{uuid.uuid4().hex[:8]}"
    taken = rows.update(
        owner=owner,
        fence=F("fence") + 1,
        lease_until=in_seconds(settings.LEASE_S),
        started_at=Coalesce("started_at", Now()),
        bytes_per_s=0,
        seconds_left=None,
        attempts=Case(When(owner="", then=F("attempts")), default=F("attempts") + 1),
    )
    if not taken:
        return None
    operation = Operation.objects.get(id=operation_id)
    # Between the two statements the lease may already have been lost to somebody else.
    return Claimed(operation) if operation.owner == owner else None


def log_fields(operation: Operation) -> dict[str, Any]:
    """Return what every line that is logged about a claim's work carries."""
    return {"operation_id": str(operation.id), "fence": operation.fence, "request_id": operation.request_id}


class Claimed:
    """A worker's hold on an operation: the only way in which a workflow writes to the database.

    Every method that writes raises LeaseLost when somebody else has taken the operation over, and
    HandBack when this process is ending; neither is for a workflow to catch.
    """

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.fence = Fence(operation=operation.serial, claim=operation.fence)
        self.is_held = True
        self.is_leaving = False
        self._renewed_at = time.monotonic()
        self._undos: list[tuple[str, Callable[[], Any]]] = []

    # --- what it is about -------------------------------------------------------------------------------------

    def resource(self) -> Resource | None:
        """Return the row this operation is about, as it is now; None if it has gone."""
        model = apps.get_model(self.operation.resource_type)
        found: Resource | None = model._default_manager.filter(pk=self.operation.resource_id).first()  # noqa: SLF001
        return found

    def caller(self) -> Caller:
        """Return who asked for this, to begin in their name what follows from it."""
        return replace(SYSTEM, user_id=self.operation.actor_id, request_id=self.operation.request_id)

    @property
    def verb(self) -> Verb:
        """Return the line of the lifecycle table that this operation carries out."""
        model: Any = apps.get_model(self.operation.resource_type)
        found: Verb = model.lifecycle[self.operation.verb]
        return found

    # --- holding ----------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Prolong the lease. :raises LeaseLost: if somebody else has taken the operation over."""
        started = time.monotonic()
        self._write(lease_until=in_seconds(settings.LEASE_S))
        self._renewed_at = started

    def check(self) -> None:
        """Make sure the operation is still held, asking the database where the last answer has grown old.

        :raises LeaseLost: if it is not. :raises HandBack: if this process is ending.
        """
        shutdown.raise_if_requested()
        if not self.is_held:
            raise LeaseLost
        if time.monotonic() - self._renewed_at > settings.LEASE_S / 3:
            self.renew()

    # --- working ----------------------------------------------------------------------------------------------

    def step(self, name: str, call: Callable[..., R], *args: Any, undo: Callable[..., Any] | None = None) -> R:
        """Do one named piece of work on the storage: `call(*args, fence=…)`.

        The step's name is written first, which proves the claim afresh. `undo(fence=…)` is kept for a
        permanent error in this or a later step.
        """
        shutdown.raise_if_requested()
        self._write(step=name)
        if undo is not None:
            self._undos.append((name, partial(undo, fence=self.fence)))
        with self._told(name):
            return call(*args, fence=self.fence)

    def undo(self) -> None:
        """Take back what the steps did, last one first, each behind a fresh check of the claim.

        Only for a permanent error. Whatever an undo raises goes out: a transient error repeats the whole.
        """
        while self._undos:
            name, take_back = self._undos[-1]
            self._write(step=f"undo {name}"[:40])
            with self._told(f"undo {name}"):
                take_back()
            self._undos.pop()

    def note(
        self,
        *,
        percent: int | None = None,
        checkpoint: dict[str, Any] | None = None,
        progress: Progress | None = None,
        also: Callable[[], None] | None = None,
    ) -> None:
        """Write down how far the work is, and do `also` in the same transaction, the resource locked.

        A worker that takes over goes on from `checkpoint`. One that differs from the former shows that the work
        advances, however often its workers die: attempts and deadline begin anew.
        """
        shutdown.raise_if_requested()
        changes: dict[str, Any] = progress.as_columns() if progress is not None else {}
        if percent is not None:
            changes["percent"] = percent
        advances = checkpoint is not None and checkpoint != _without_waits(self.operation.checkpoint)
        if advances:
            changes |= {"checkpoint": checkpoint, "attempts": 0, "deadline_at": in_seconds(self.verb.deadline_s)}
        if also is not None:
            with self._told("also"), self._together():
                self._write(**changes)
                also()
        elif advances:
            with self._told("checkpoint"):
                self._write(**changes)
        else:
            self._write(**changes)
        if advances:
            self.operation.refresh_from_db(fields=["checkpoint", "attempts", "deadline_at"])

    def exclude(self, backend: str, reason: str) -> None:
        """Remember that `backend` could not do it, and why."""
        self.operation.exclusions = {**self.operation.exclusions, backend: _storable(reason)}
        self._write(exclusions=self.operation.exclusions)

    # --- leaving ----------------------------------------------------------------------------------------------

    def hand_over(
        self,
        *,
        task: str,
        queue: str,
        fields: dict[str, Any] | None = None,
        anew: bool = True,
        also: Callable[[], None] | None = None,
        **changes: Any,
    ) -> None:
        """Pass the operation on to another kind of worker, at once; do `also` in the same transaction.

        `fields` are written to the resource, `changes` to the operation. Attempts and checkpoint begin `anew` there,
        or are carried along.
        """
        begun: dict[str, Any] = {"attempts": 0, "checkpoint": {}} if anew else {}
        cleared = {"step": "", "fault_code": "", "fault_detail": ""}
        with self._told("hand over"), self._leaving() as resource:
            self._leave(task=task, queue=queue, **{**begun, **cleared, **changes})
            if fields and resource is not None:
                self._rows().update(updated_at=timezone.now(), **fields)
            if also is not None:
                also()
            self._ring_after_commit()

    def finish(self, *, also: Callable[[], None] | None = None, **fields: Any) -> None:
        """End the operation well: the status of the table, `fields` on the resource, `also` in the same transaction."""
        with self._told("finish"), self._leaving() as resource:
            done = Greatest("bytes_done", "bytes_total")
            self._end(Operation.SUCCEEDED, percent=100, bytes_done=done, fault_code="", fault_detail="")
            if resource is not None:
                project(self.operation, resource, self._after_success(resource.status), fields)
            if also is not None:
                also()

    def fail(self, code: str, detail: str) -> None:
        """End the operation badly: the table's status for failure, and the reason on the row."""
        detail = _storable(detail)
        with self._told("fail"), self._leaving() as resource:
            self._end(Operation.FAILED, fault_code=code, fault_detail=detail)
            if resource is not None:
                project_failure(self.operation, resource, detail)

    def decline(self, code: str, detail: str, *, also: Callable[[], None] | None = None, **fields: Any) -> None:
        """End the operation without its having changed anything: the prior status, and the reason on the row."""
        detail = _storable(detail)
        with self._told("decline"), self._leaving() as resource:
            self._end(Operation.FAILED, fault_code=code, fault_detail=detail)
            if resource is not None:
                project(self.operation, resource, BACK, fields, reason=detail)
            if also is not None:
                also()

    def postpone(self, delay_s: float, code: str, reason: str, **changes: Any) -> None:
        """Put the operation down to be taken up in `delay_s` seconds; `reason` says what it waits for."""
        with self._told("put off"), self._leaving():
            self._leave(not_before=in_seconds(delay_s), fault_code=code, fault_detail=_storable(reason), **changes)

    def hand_back(self) -> None:
        """Put the operation down for any other worker to take up at once."""
        with self._told("hand back"), self._leaving():
            self._leave()
            self._ring_after_commit()

    # --- how --------------------------------------------------------------------------------------------------

    def _write(self, **changes: Any) -> None:
        """Update the operation if it is still held. :raises LeaseLost: if it is not."""
        mine = Operation.objects.filter(serial=self.operation.serial, fence=self.fence.claim, outcome="")
        # The fence goes along because an UPDATE of nothing would find no row.
        if not self.is_held or not mine.exclude(owner="").update(fence=self.fence.claim, **changes):
            self.is_held = False
            raise LeaseLost

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Tell of what the block does, before it begins and after it went well."""
        boundaries.reach(self.operation, f"before {what}")
        yield
        boundaries.reach(self.operation, f"after {what}")

    @contextmanager
    def _leaving(self) -> Iterator[Resource | None]:
        """Lock the resource and leave the operation in one transaction; while that fails, it is still held."""
        self.is_leaving = True
        try:
            with self._together() as resource:
                yield resource
        except BaseException:
            self.is_leaving = False
            raise
        self.is_held = False

    @contextmanager
    def _together(self) -> Iterator[Resource | None]:
        """Lock the resource, before the operation as everybody does, for what is written in one transaction."""
        model: Any = apps.get_model(self.operation.resource_type)
        with transaction.atomic():
            yield model.locked(self.operation.resource_id)

    def _leave(self, **changes: Any) -> None:
        self._write(owner="", lease_until=None, bytes_per_s=0, seconds_left=None, **changes)

    def _end(self, outcome: str, **changes: Any) -> None:
        self._leave(outcome=outcome, finished_at=timezone.now(), step="", **changes)

    def _rows(self) -> "models.QuerySet[Any]":
        model = apps.get_model(self.operation.resource_type)
        rows: models.QuerySet[Any] = model._default_manager.filter(pk=self.operation.resource_id)  # noqa: SLF001
        return rows

    def _ring_after_commit(self) -> None:
        operation = Operation.objects.get(serial=self.operation.serial)
        transaction.on_commit(partial(doorbell.ring, operation))

    def _after_success(self, current: str) -> str:
        """Return what the table names, unless somebody has moved the status on while the work went on."""
        verb = self.verb
        left = self.operation.prior_status if verb.during == KEEP else verb.during
        return verb.after if verb.after == GONE or current == left else KEEP


def _without_waits(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return what the workflow noted, without what the engine counts beside it."""
    return {name: value for name, value in checkpoint.items() if name != WAITS}


def _storable(text: str) -> str:
    """Return what a program said without what no database takes: zeros, and bytes that were no text."""
    return text.replace("\0", "").encode(errors="replace").decode()
