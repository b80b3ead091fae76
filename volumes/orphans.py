"""Comparing a back-end's storage with the rows: what is there for nobody, and what rows name that is not there."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from drivers.types import id_in
from storage_site.caller import SYSTEM
from storage_site.operations.heartbeat import host_of
from storage_site.operations.models import Operation
from volumes.models import Snapshot, Survey, Volume
from volumes.services import managing

MADE = ("available", "in-use", "reserved", "error_deleting")
SETTLED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Something on a storage that no row knows: a volume, or a snapshot of `volume` (an id, "" if that has no row)."""

    backend: str
    kind: str
    name: str
    size_gib: int
    volume: str
    obstacle: str

    @property
    def is_ours(self) -> bool:
        """Tell whether it has a name that we give: it was made, or left on purpose, by this service."""
        return bool(id_in(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A row whose volume or snapshot is not on its storage."""

    backend: str
    kind: str
    id: str


def compare(backend: str) -> tuple[list[Orphan], list[Missing]]:
    """Return both, having asked the back-end's worker twice; raises as `managing.survey`.

    What work under way makes or removes is neither. A row is there before its storage, and goes after it: so what had
    no row when it was seen first, and has none and is seen again, belongs to nobody, however young it is.
    """
    orphans: list[Orphan] = []
    missing: list[Missing] = []
    for kind in (Survey.VOLUMES, Survey.SNAPSHOTS):
        rows = _made_rows(backend, kind)
        first, second = ({entry["name"]: entry for entry in _survey(backend, kind)} for _look in range(2))
        busy = _busy()
        orphans += [
            Orphan(
                backend=backend,
                kind=kind.removesuffix("s"),
                name=name,
                size_gib=entry["size_gib"],
                volume=entry["volume"],
                obstacle=entry["obstacle"],
            )
            for name, entry in sorted(second.items())
            if not entry["row"] and name in first and not first[name]["row"] and not _is_named(name, busy)
        ]
        seen = {entry["row"] for found in (first, second) for entry in found.values()}
        still = rows & _made_rows(backend, kind)
        missing += [Missing(backend=backend, kind=kind.removesuffix("s"), id=row) for row in sorted(still - seen)]
    return orphans, missing


def _survey(backend: str, kind: str) -> list[dict[str, Any]]:
    return managing.survey(host=host_of(backend), kind=kind, caller=SYSTEM)


def _made_rows(backend: str, kind: str) -> set[str]:
    """Return the ids of what must be on the storage: made a while ago, with no work on it."""
    before = timezone.now() - SETTLED_AFTER
    going_on = Operation.objects.filter(resource_id=OuterRef("pk"), outcome="")
    place = Q(backend=backend) if kind == Survey.VOLUMES else Q(volume__backend=backend)
    model: Any = Volume if kind == Survey.VOLUMES else Snapshot
    rows = model.objects.filter(place, ~Exists(going_on), status__in=MADE, created_at__lt=before)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def _busy() -> list[str]:
    """Return what unfinished operations remember, in which a name on the storage may stand."""
    rows = Operation.objects.filter(outcome="").exclude(resource_type="volumes.survey")
    return [f"{row}" for row in rows.values_list("resource_id", "arguments", "checkpoint", "decision")]


def _is_named(name: str, busy: list[str]) -> bool:
    plain = name.partition("-")[2] or name
    return any(plain in remembered or name in remembered for remembered in busy)
