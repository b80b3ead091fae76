"""The back-ends of a fleet on this host: checked before it starts, their exports ended with it."""

import logging
from collections.abc import Iterable

from drivers.errors import DriverError, InvalidConfiguration, TransientDriverError
from storage_site.fleet.errors import FleetError
from volumes import backends

logger = logging.getLogger(__name__)


def check(keys: Iterable[str]) -> None:
    """Look whether this host can serve the named back-ends. :raises FleetError: saying what one of them lacks.

    A storage that is away now may be back soon: its worker waits for it.
    """
    for key in keys:
        try:
            backends.driver(key).check()
        except InvalidConfiguration as error:
            raise FleetError(f"The back-end {key} cannot work here: {error}") from error
        except TransientDriverError as error:
            logger.warning("back-end cannot be reached now", extra={"backend": key, "reason": str(error)})


def end_exports(keys: Iterable[str]) -> list[str]:
    """End every export of the named back-ends on this host; return what could not be ended, in words."""
    troubles = []
    for key in keys:
        try:
            backends.driver(key).stop_exports()
        except DriverError as error:
            troubles.append(f"exports of {key} may still be there: {error}")
    return troubles
