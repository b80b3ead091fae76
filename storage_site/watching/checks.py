"""The engine's own checks: operations, workers, canaries, clocks, settings, room on this host."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks as django_checks
from django.db.models import Count, Min
from django.utils import timezone

from storage_site.operations.advice import advice_on
from storage_site.operations.heartbeat import is_up
from storage_site.operations.models import Operation, Service
from storage_site.operations.standing import LOST, OVERDUE, WAITING, is_troubled, standing_of
from storage_site.pages.words import duration
from storage_site.watching import canaries
from storage_site.watching.diagnosis import LEAST_FREE, ODD, SHOWN, WRONG, Finding, limited
from storage_site.watching.work import queue_of

CLOCKS_MAY_DIFFER_S = 5.0
SILENT_CANARY_S = 60.0
START_BEAT = "systemctl restart celinder-beat"


def start_worker(queue: str) -> str:
    """Return the command that starts a worker of the queue (docs/production.md)."""
    return f"systemctl restart celinder-worker@{queue}"


def operations() -> Iterator[Finding]:
    """Find what is overdue, lost, tried in vain, or due and not taken; the sentences are those of the timelines."""
    now = timezone.now()
    dead = set(canaries.known_queues()) - _living()
    rows = Operation.objects.filter(is_troubled(now))
    for row in (
        rows.filter(owner="", queue__in=dead)
        .values("queue")
        .order_by("queue")
        .annotate(number=Count("pk"), since=Min("not_before"))
    ):
        yield Finding(
            check="operations",
            weight=WRONG,
            about=f"queue {row['queue']}",
            cause=f"{row['number']} operations wait, the oldest due for {duration(now - row['since'])}, "
            "and no worker of this queue lives.",
            command=start_worker(row["queue"]),
        )
    others = rows.exclude(owner="", queue__in=dead).order_by("not_before")
    yield from limited((_of_operation(operation) for operation in others[:SHOWN]), others.count())


def _of_operation(operation: Operation) -> Finding:
    standing = standing_of(operation)
    commands = {
        OVERDUE: START_BEAT,
        LOST: START_BEAT,
        WAITING: start_worker(operation.queue),
    }
    return Finding(
        check="operations",
        weight=WRONG if standing.word in {OVERDUE, LOST, WAITING} else ODD,
        about=f"{operation} (operation {operation.id})",
        cause=f"{standing.reason} {advice_on(operation, is_for_administrator=True)}",
        command=commands.get(standing.word)
        or f"journalctl -u 'celinder-worker@{operation.queue}' --grep {operation.id}",
    )


def workers() -> Iterator[Finding]:
    """Find queues that nobody serves, and back-ends that are given no work."""
    for queue in sorted(set(canaries.known_queues()) - _living()):
        yield Finding(
            check="workers",
            weight=WRONG,
            about=f"queue {queue}",
            cause="No worker of this queue has been seen lately: its work waits.",
            command=start_worker(queue),
        )
    for service in Service.objects.exclude(is_disabled=False, is_frozen=False):
        word = "frozen: nothing on it may be changed" if service.is_frozen else "disabled: it is given nothing new"
        reason = f" ({service.disabled_reason})" if service.disabled_reason else ""
        binary = f"{service.host} {service.binary}"
        thaw = f"cinder thaw-host {service.host}"
        yield Finding(
            check="workers",
            weight=ODD,
            about=str(service),
            cause=f"It is {word}{reason}.",
            command=thaw if service.is_frozen else f"openstack volume service set --enable {binary}",
        )


def birds() -> Iterator[Finding]:
    """Find queues whose workers live and do not answer, clocks that differ, and a beat that does not run."""
    if not settings.CANARY_INTERVAL_S:
        return
    told, living = canaries.told(), _living()
    silent_s = SILENT_CANARY_S + settings.CANARY_INTERVAL_S
    is_silent = all((it.age_s is None or it.age_s > silent_s) and it.waiting_s is None for it in told)
    if is_silent and Service.objects.filter(created_at__lt=timezone.now() - timedelta(seconds=silent_s)).exists():
        yield Finding(
            check="canaries",
            weight=WRONG,
            about="beat",
            cause="No queue has been given a canary lately, so no beat runs: nothing lost is taken up again.",
            command=START_BEAT,
        )
    for found in told:
        if (found.waiting_s or 0) > silent_s and found.queue in living:
            yield Finding(
                check="canaries",
                weight=ODD,
                about=f"queue {found.queue}",
                cause=f"Its worker lives and has not taken a small operation for {found.waiting_s:.0f} s: all its "
                "slots are taken by long work, or it takes no messages.",
                command=start_worker(found.queue),
            )
        if abs(found.clock_ahead_s or 0) > CLOCKS_MAY_DIFFER_S:
            yield Finding(
                check="clocks",
                weight=WRONG,
                about=f"host {found.node_host}",
                cause=f"Its clock differs from the database's by {found.clock_ahead_s:.1f} s: tokens and "
                "heartbeats are misjudged.",
                command="timedatectl set-ntp true",
            )


def configuration() -> Iterator[Finding]:
    """Find settings that are unwise, and those that Django's checks refuse."""
    if settings.DEBUG:
        yield _unwise("DEBUG", "It shows settings and traces to whoever causes an error.", "unset CELINDER_DEBUG DEBUG")
    broker = urlsplit(str(settings.CELERY_BROKER_URL)).hostname or "localhost"
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if is_sqlite and broker not in {"localhost", "::1", settings.NODE_HOST} and not broker.startswith("127."):
        cause = f"The broker is on {broker}, so other hosts take part, and the database is a file of this one."
        yield _unwise("DATABASE_URL", cause, "export DATABASE_URL=postgresql://…")
    for problem in django_checks.run_checks():
        if problem.level >= django_checks.ERROR and not problem.is_silenced():
            yield _unwise(str(problem.id), problem.msg, f"./celinder check  # {problem.hint or problem.id}")


def _unwise(about: str, cause: str, command: str) -> Finding:
    return Finding(check="settings", weight=WRONG, about=about, cause=cause, command=command)


def room() -> Iterator[Finding]:
    """Find whether the data directory of this host is nearly full."""
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        return
    if usage.free < usage.total * LEAST_FREE:
        yield Finding(
            check="room",
            weight=WRONG,
            about=str(settings.DATA_DIR),
            cause=f"Its file system has {usage.free / 1024**3:.1f} GiB free of {usage.total / 1024**3:.0f}.",
            command=f"du -xh -d 2 {settings.DATA_DIR} | sort -h | tail",
        )


def _living() -> set[str]:
    return {queue_of(service) for service in Service.objects.all() if is_up(service)}
