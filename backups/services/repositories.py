"""What may be asked about a repository: giving room back, verifying it, wrapping its keys anew."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backups.models import Repository
from storage_site.caller import SYSTEM, Caller
from storage_site.errors import StateConflict
from storage_site.operations.admission import begin, lock
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation


@transaction.atomic
def begin_collect(*, repository: Repository, caller: Caller) -> Operation:
    """Ask for room to be given back: what one run condemns the next one deletes.

    :raises StateConflict: if that, or a rotation, is going on.
    """
    return begin(repository, "collect", caller=caller)


@transaction.atomic
def begin_verify(*, repository: Repository, part: float, caller: Caller) -> Operation:
    """Ask for everything to be looked at, and for `part` of the data (0 to 1) to be read.

    :raises StateConflict: if that is going on. :raises ValueError: if `part` is none.
    """
    if not 0 <= part <= 1:
        raise ValueError("a part is between 0 and 1")
    repository = lock(repository)
    if _is_going_on(repository, "verify"):
        raise StateConflict(f"Backup repository {repository} is being verified already.")
    return begin(repository, "verify", caller=caller, arguments={"part": part})


@transaction.atomic
def begin_rotate(*, repository: Repository, caller: Caller) -> Operation:
    """Ask for all projects' keys to be wrapped by the first of the master keys.

    :raises StateConflict: if that, or a collection, is going on.
    """
    return begin(repository, "rotate", caller=caller)


def begin_what_is_due() -> int:
    """Begin to collect and to verify where the last time is long enough ago; return how much was begun."""
    begun = 0
    for repository in Repository.objects.filter(target__in=settings.BACKUP_TARGETS):
        collected_at = repository.collected_at or repository.created_at
        if _is_due(repository, "collect", collected_at, settings.BACKUP_COLLECT_INTERVAL_S):
            begun += _begin(begin_collect, repository=repository)
        verified_at = repository.verified_at or repository.created_at
        if _is_due(repository, "verify", verified_at, settings.BACKUP_VERIFY_INTERVAL_S):
            part = settings.BACKUP_VERIFY_PERCENT / 100
            begun += _begin(begin_verify, repository=repository, part=part)
    return begun


def _begin(service: Callable[..., Operation], **arguments: Any) -> bool:
    """Begin it, unless somebody else has done so since it was looked at."""
    try:
        service(caller=SYSTEM, **arguments)
    except StateConflict:
        return False
    return True


def _is_due(repository: Repository, verb: str, last_at: datetime, interval_s: int) -> bool:
    """Tell whether it is time; a run that failed is not tried again before its time either."""
    if not interval_s:
        return False
    begun = Operation.objects.filter(resource_type=label_of(Repository), resource_id=repository.pk, verb=verb)
    latest = max([last_at, *begun.order_by("-serial").values_list("created_at", flat=True)[:1]])
    is_busy = _is_going_on(repository, verb) or (verb == "collect" and _is_going_on(repository, "rotate"))
    return not is_busy and timezone.now() - latest >= timedelta(seconds=interval_s)


def _is_going_on(repository: Repository, verb: str) -> bool:
    rows = Operation.objects.filter(resource_type=label_of(Repository), resource_id=repository.pk, outcome="")
    return rows.filter(verb=verb).exists()
