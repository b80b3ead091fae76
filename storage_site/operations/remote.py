"""What any worker does when it is called by broadcast: tell its log levels, and change them."""

import logging
from typing import Any

from celery.worker.control import control_command, inspect_command

from storage_site.operations import log_levels
from storage_site.operations.heartbeat import identity_of

logger = logging.getLogger(__name__)


@inspect_command(name="log_levels", visible=False)  # type: ignore[untyped-decorator] # celery carries no types
def log_levels_of_worker(state: Any, prefix: str = "", **_later: Any) -> list[dict[str, Any]]:
    """Tell this worker's levels, once for each service that it is."""
    levels = log_levels.levels_here(prefix)
    return [{"host": host, "binary": binary, "levels": levels} for binary, host in _services(state)]


@control_command(visible=False)  # type: ignore[untyped-decorator] # celery carries no types
def set_log_level(
    state: Any, level: str = "INFO", prefix: str = "", binary: str = "", host: str = "", **_later: Any
) -> None:
    """Set this worker's level, if it is one of those that are meant."""
    matching = (log_levels.is_meant(own, binary) and where.startswith(host) for own, where in _services(state))
    if level in log_levels.LEVELS and any(matching):
        log_levels.set_here(prefix, level)
        logger.log(logging.getLevelName(level), "log level set to %s for %r", level, prefix or "everything")


def _services(state: Any) -> list[tuple[str, str]]:
    """Return binary and host of each service that a worker is."""
    return [identity_of(queue)[:2] for queue in state.app.amqp.queues.consume_from]
