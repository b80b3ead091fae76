"""What is wrong or odd in a deployment: each with its cause in a sentence and the command that mends it.

The engine's own checks are in `checks`; apps that know more add theirs with `register`. The command, the console and,
for operations, the timelines of the API say the same sentences.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from storage_site.watching import health

logger = logging.getLogger(__name__)

WRONG, ODD = "wrong", "odd"
LEAST_FREE = 0.05  # of what there is; below it is nearly full
SHOWN = 50  # of each kind; a sentence tells how many more there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to look at: `wrong` keeps work from being done or data from being safe, `odd` may come to that."""

    check: str
    weight: str
    about: str
    cause: str
    command: str


Check = Callable[[], Iterable[Finding]]
_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Add an app's check. :raises ValueError: if another one has the name."""
    if _checks.setdefault(name, check) is not check:
        message = f"there is a check {name!r} already"
        raise ValueError(message)


def examine() -> list[Finding]:
    """Return all there is to find, what is wrong first; a check that fails is a finding itself."""
    fundamental = list(_fundamental())
    if any(found.check in {"database", "migrations"} for found in fundamental):
        return fundamental  # nothing else can be asked
    found = fundamental + [finding for name, check in _checks.items() for finding in _carried_out(name, check)]
    return sorted(found, key=lambda finding: finding.weight != WRONG)


def _fundamental() -> Iterable[Finding]:
    """Find what else would make every other check fail."""
    if reason := health.database():
        yield Finding(
            check="database",
            weight=WRONG,
            about="database",
            cause=f"{reason} No request is accepted and no work is done.",
            command="./celinder dbshell",
        )
    elif missing := health.pending_migrations():
        yield Finding(
            check="migrations",
            weight=WRONG,
            about=", ".join(missing[:5]),
            cause=f"{len(missing)} migrations are not applied: the database is not as this code needs it.",
            command="./celinder migrate",
        )
    if reason := health.message_broker():
        yield Finding(
            check="broker",
            weight=WRONG,
            about="broker",
            cause=f"{reason} Work is accepted and not begun until it does.",
            command="./celinder up  # with its own broker; otherwise start the server of CELERY_BROKER_URL",
        )


def _carried_out(name: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except Exception as error:
        logger.exception("a check failed", extra={"check": name})
        return [
            Finding(
                check=name,
                weight=WRONG,
                about=name,
                cause=f"This could not be found out ({type(error).__name__}): see the log.",
                command="./celinder doctor --only " + name,
            )
        ]


def names() -> list[str]:
    """Return the names of the checks, in the order in which they are carried out."""
    return list(_checks)


def examine_only(name: str) -> list[Finding]:
    """Return what one check finds. :raises KeyError: if there is none of that name."""
    return _carried_out(name, _checks[name])


def limited(found: Iterable[Finding], number: int) -> Iterable[Finding]:
    """Yield SHOWN of the findings, and one that tells how many more there are."""
    last = None
    for place, finding in enumerate(found):
        if place == SHOWN:
            break
        last = finding
        yield finding
    if last is not None and number > SHOWN:
        yield Finding(
            check=last.check,
            weight=last.weight,
            about=f"{number - SHOWN} more",
            cause=f"Only {SHOWN} of {number} are shown.",
            command="./celinder doctor  # again, when these are mended",
        )
