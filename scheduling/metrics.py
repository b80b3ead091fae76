"""Metrics of the pools, as their workers last reported them."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from prometheus_client.core import Metric

from scheduling import enquiry
from scheduling.capacity import number
from storage_site.errors import Unavailable
from storage_site.watching.metrics import gauge

PATIENCE_S = 0.5
SIZES = ("total", "free", "allocated", "provisioned")


def pools() -> Iterator[Metric]:
    """Tell how full the pools are; of pools whose scheduler does not answer in PATIENCE_S, only that."""
    answers = gauge("scheduler_answers", "Whether a scheduler says what it knows of the pools.")
    size = gauge(
        "pool_gib", "Sizes of a pool as last reported; what is not known is left out.", ["backend", "pool", "size"]
    )
    volumes = gauge("pool_volumes", "Volumes in a pool as last reported.", ["backend", "pool"])
    age = gauge("pool_report_age_seconds", "How old the report is, by its sender's clock.", ["backend", "pool"])
    try:
        known = enquiry.known_pools(PATIENCE_S)
    except Unavailable:
        answers.add_metric([], 0)
        yield answers
        return
    answers.add_metric([], 1)
    for pool in known:
        labels = [pool.backend, pool.pool]
        for name in SIZES:
            if (found := number(pool.capabilities.get(f"{name}_capacity_gb"))) is not None:
                size.add_metric([*labels, name], found)
        if (found := number(pool.capabilities.get("total_volumes"))) is not None:
            volumes.add_metric(labels, found)
        sent_at = datetime.fromisoformat(pool.sent_at)
        age.add_metric(labels, max(0.0, (timezone.now() - sent_at).total_seconds()))
    yield from (answers, size, volumes, age)
