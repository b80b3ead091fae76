"""Asking by broadcast: all volume workers for their reports, any scheduler for the pools it knows."""

import logging
from typing import Any

from kombu.exceptions import OperationalError as BrokerError

from scheduling.placement import PoolReport
from storage_site.errors import Unavailable
from storage_site.operations import broker

logger = logging.getLogger(__name__)

PATIENCE_S = 1.0


class _Answered(Exception):
    """A scheduler has answered; the other workers' replies are not waited for."""


def ask_for_reports() -> None:
    """Ask every volume worker to report at once. Waits briefly for a broker that does not answer; never raises."""
    try:
        with broker.mailbox(PATIENCE_S) as workers:
            workers.abcast("send_report")
    except (BrokerError, OSError) as error:
        logger.warning("volume workers not asked for reports", extra={"reason": repr(error)})


def known_pools(timeout_s: float = PATIENCE_S) -> list[PoolReport]:
    """Return the pools that a scheduler knows. :raises Unavailable: if none answers in about `timeout_s` seconds."""
    answers: list[list[dict[str, Any]]] = []

    def look(replies: dict[str, Any]) -> None:
        answers.extend(reply["pools"] for reply in replies.values() if isinstance(reply, dict) and "pools" in reply)
        if answers:
            raise _Answered

    try:
        with broker.mailbox(timeout_s) as workers:
            workers.multi_call("pools", timeout=timeout_s, callback=look)
    except _Answered:
        return [PoolReport(**pool) for pool in answers[0]]
    except (BrokerError, OSError) as error:
        raise Unavailable("The message broker does not answer, so no scheduler can be asked.") from error
    raise Unavailable(f"No scheduler answered in {timeout_s:g} s. Is a scheduler worker running?")
