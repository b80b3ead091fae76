"""The wish of this process to end, which running operations see at their next step."""

import threading

from storage_site.operations.errors import HandBack

_requested = threading.Event()


def request() -> None:
    """Ask all operations of this process to hand themselves back."""
    _requested.set()


def raise_if_requested() -> None:
    """Raise HandBack if this process is to end."""
    if _requested.is_set():
        raise HandBack


def withdraw() -> None:
    """Forget the wish (a worker starts in this process)."""
    _requested.clear()
