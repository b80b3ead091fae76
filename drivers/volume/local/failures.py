"""What an error of the operating system means for the operation that met it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import BackendBusy, BackendDown, DriverError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_BUSY = {errno.EAGAIN, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR}


@contextmanager
def as_driver_errors(doing: str, *, full: type[DriverError] = BackendDown) -> Iterator[None]:
    """Turn any `OSError` of the block into the driver error that decides rightly whether trying again helps.

    A full file system is `full`: what needs room may go to another back-end, everything else can only wait for some.

    :raises BackendBusy, BackendDown: for an error of the operating system, with `doing` in the message; or `full`.
    """
    try:
        yield
    except DriverError:
        raise
    except OSError as error:
        raise meaning_of(error, doing, full) from error


def meaning_of(error: OSError, doing: str, full: type[DriverError]) -> DriverError:
    """Return the driver error for `error`, met while `doing` something."""
    kind = full if error.errno in _FULL else BackendBusy if error.errno in _BUSY else BackendDown
    return kind(f"While {doing}: {error}")
