"""How many operations have ended, how, and how long they took: numbers that only grow, at a bounded price.

What ended a while ago is added up once, by beat; what ended since is counted whenever somebody asks, by an index.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.utils import timezone

from storage_site.operations.history import label_of
from storage_site.operations.models import Operation
from storage_site.watching.models import Canary, Tally, TallyMark

SETTLED_AFTER = timedelta(minutes=5)
"""By then an operation's end is committed, and visible to all, whichever host's clock dated it."""


class Kind(NamedTuple):
    """What operations are counted by."""

    resource: str
    verb: str
    outcome: str


@dataclass(slots=True)
class Ended:
    """How many ended, and the sum of their times from acceptance to end."""

    number: int = 0
    seconds: float = 0.0


def add_up() -> int:
    """Add up what ended before SETTLED_AFTER, once; return how many operations were added."""
    until = timezone.now() - SETTLED_AFTER
    with transaction.atomic():
        _mark()
        mark = TallyMark.objects.select_for_update().get()
        if mark.until >= until:
            return 0
        found = _counted(Q(finished_at__gte=mark.until, finished_at__lt=until))
        for kind, ended in found.items():
            row, _ = Tally.objects.get_or_create(**kind._asdict())
            more = {"number": F("number") + ended.number, "seconds": F("seconds") + ended.seconds}
            Tally.objects.filter(pk=row.pk).update(**more)
        TallyMark.objects.update(until=until)
    return sum(ended.number for ended in found.values())


def ended() -> Iterator[tuple[Kind, Ended]]:
    """Yield what has ended in all since counting began; four queries."""
    until = _mark()
    for _attempt in range(3):
        totals, looked_until = _totals(until), until
        until = _mark()
        if until == looked_until:
            break
    yield from sorted(totals.items(), key=lambda found: found[0])


def _totals(until: datetime) -> dict[Kind, Ended]:
    """Return the sums; if something was added up meanwhile, they are wrong."""
    totals: dict[Kind, Ended] = defaultdict(Ended)
    for row in Tally.objects.all():
        _add(totals[Kind(row.resource, row.verb, row.outcome)], row.number, row.seconds)
    for kind, found in _counted(Q(finished_at__gte=until)).items():
        _add(totals[kind], found.number, found.seconds)
    return totals


def _mark() -> datetime:
    """Return until when all is added up. Counting begins when it is asked for first."""
    row = TallyMark.objects.filter(pk=1).first()
    return (row or TallyMark.objects.get_or_create(pk=1, defaults={"until": timezone.now()})[0]).until


def _add(total: Ended, number: int, seconds: float) -> None:
    total.number += number
    total.seconds += seconds


def _counted(when: Q) -> dict[Kind, Ended]:
    took = ExpressionWrapper(F("finished_at") - F("created_at"), output_field=DurationField())
    rows = Operation.objects.filter(when).exclude(resource_type=label_of(Canary)).order_by()
    grouped = rows.values_list("resource_type", "verb", "outcome").annotate(n=Count("pk"), took=Sum(took))
    return {
        Kind(_short(label), verb, outcome): Ended(n, max(0.0, took.total_seconds()))
        for label, verb, outcome, n, took in grouped
    }


def _short(label: str) -> str:
    return label.rpartition(".")[2]
