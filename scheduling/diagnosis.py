"""What is wrong with back-ends, as their reports show it."""

from collections.abc import Iterator

from django.conf import settings

from scheduling import enquiry
from scheduling.capacity import number
from storage_site import queues
from storage_site.errors import Unavailable
from storage_site.watching.checks import start_worker
from storage_site.watching.diagnosis import LEAST_FREE, ODD, WRONG, Finding

PATIENCE_S = 1.0


def backends() -> Iterator[Finding]:
    """Find back-ends that are not reported, and pools that are nearly full."""
    try:
        pools = enquiry.known_pools(PATIENCE_S)
    except Unavailable as error:
        yield Finding(
            check="back-ends",
            weight=WRONG,
            about="scheduler",
            cause=f"{error.message} No volume is placed.",
            command=start_worker(queues.SCHEDULER),
        )
        return
    for key in sorted(set(settings.STORAGE_BACKENDS) - {pool.backend for pool in pools}):
        yield Finding(
            check="back-ends",
            weight=WRONG,
            about=f"back-end {key}",
            cause="It is not reported: its worker is away, or its storage does not answer.",
            command=f"journalctl -n 50 -u celinder-worker@{queues.of_backend(key)}",
        )
    for pool in pools:
        total, free = (number(pool.capabilities.get(f"{name}_capacity_gb")) for name in ("total", "free"))
        if total and free is not None and free < total * LEAST_FREE:
            yield Finding(
                check="back-ends",
                weight=ODD,
                about=f"pool {pool.backend}#{pool.pool}",
                cause=f"It has {free:.1f} GiB free of {total:.0f}: soon nothing more is placed there.",
                command=f"openstack volume list --all-projects --long --sort size:desc  # on {pool.backend}",
            )
