"""Log levels of running processes: told and changed in this one, and by broadcast in every worker."""

import logging
from typing import Any

from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError

from storage_site.operations import broker

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
API = "cinder-api"
PATIENCE_S = 1.0
logger = logging.getLogger(__name__)


def levels_here(prefix: str) -> dict[str, str]:
    """Return the level of each logger of this process whose name begins with `prefix`."""
    names = sorted(name for name in logging.root.manager.loggerDict if name.startswith(prefix))
    return {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) for name in names}


def set_here(prefix: str, level: str) -> None:
    """Give that level to the loggers of this process whose names begin with `prefix`; "" is all, now and later."""
    if not prefix:
        logging.getLogger().setLevel(level)
    for name in levels_here(prefix):
        logging.getLogger(name).setLevel(level)


def told(*, binary: str, host: str, prefix: str) -> list[dict[str, Any]]:
    """Return the levels of all processes that match, this one and the workers that answer in time."""
    here: dict[str, Any] = {"host": settings.NODE_HOST, "binary": API, "levels": levels_here(prefix)}
    answers = [here] if is_meant(API, binary) else []
    try:
        with broker.mailbox(PATIENCE_S) as workers:
            replies = workers.multi_call("log_levels", kwargs={"prefix": prefix}, timeout=PATIENCE_S) or []
    except (BrokerError, OSError) as error:
        logger.warning("workers not asked for their log levels", extra={"reason": repr(error)})
        replies = []
    for reply in replies:
        for answer in reply.values():
            answers += [one for one in answer or () if isinstance(one, dict) and "binary" in one]
    return [one for one in answers if is_meant(one["binary"], binary) and (not host or one["host"].startswith(host))]


def spread(*, binary: str, host: str, prefix: str, level: str) -> None:
    """Set the level in all processes that match: here at once, in workers when they hear of it."""
    if is_meant(API, binary) and settings.NODE_HOST.startswith(host):
        set_here(prefix, level)
    chosen = {"binary": binary, "host": host, "prefix": prefix, "level": level}
    try:
        with broker.mailbox(PATIENCE_S) as workers:
            workers.abcast("set_log_level", kwargs=chosen)
    except (BrokerError, OSError) as error:
        logger.warning("workers not told their log level", extra={"reason": repr(error)})


def is_meant(binary: str, wanted: str) -> bool:
    """Tell whether a service of this kind is among those that are `wanted`."""
    return wanted in {"", "*", binary}
