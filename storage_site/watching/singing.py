"""What a worker does with a canary: it writes down that it was here, when, and how its clock goes."""

from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from storage_site.operations.claims import Claimed
from storage_site.watching.models import Canary


def run(op: Claimed, canary: Canary) -> None:
    """Answer."""
    before = timezone.now()
    row = Canary.objects.filter(pk=canary.pk).values_list(Now(), "asked_at").first()
    now, asked_at = row or (before, None)
    here = before + (timezone.now() - before) / 2
    op.finish(
        ended_at=now,
        took_ms=_ms(asked_at, now) if asked_at else 0,
        node_host=settings.NODE_HOST,
        clock_ahead_ms=int((here - now).total_seconds() * 1000),
    )


def _ms(begun: datetime, ended: datetime) -> int:
    return max(0, int((ended - begun).total_seconds() * 1000))
