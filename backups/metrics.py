"""Metrics of the repositories."""

from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone
from prometheus_client.core import Metric

from backups.models import Repository
from storage_site.watching.metrics import gauge


def repositories() -> Iterator[Metric]:
    """Tell how long ago each repository was verified and collected; before the first time, how old it is."""
    now = timezone.now()
    verified = gauge("repository_verified_age_seconds", "How long ago the repository was last verified.", ["target"])
    collected = gauge("repository_collected_age_seconds", "How long ago room was last given back in it.", ["target"])
    for row in Repository.objects.filter(target__in=settings.BACKUP_TARGETS):
        for family, last_at in ((verified, row.verified_at), (collected, row.collected_at)):
            family.add_metric([row.target], (now - (last_at or row.created_at)).total_seconds())
    yield from (verified, collected)
