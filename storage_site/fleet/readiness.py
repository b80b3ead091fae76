"""Whether a fleet works: the API answers and every worker takes messages."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterable

from celery import Celery
from kombu.exceptions import OperationalError

from storage_site.fleet.procfile import Line

PAUSE_S = 0.2
ANSWER_S = 1.0
WEB = "web"


class Readiness(threading.Thread):
    """Asks until everybody has answered, beside the loop that keeps them running.

    Workers are asked through the broker, so an answer proves the whole way there. A line that is neither the
    API nor a worker counts as ready: nobody can ask it.
    """

    def __init__(self, lines: Iterable[Line], url: str) -> None:
        super().__init__(name="readiness", daemon=True)
        self._lines = tuple(lines)
        self._url = url
        self._waiting_for = frozenset(line.name for line in self._lines if line.is_worker or line.name == WEB)
        self._over = threading.Event()

    @property
    def waiting_for(self) -> frozenset[str]:
        """Return the names of those who have not answered yet."""
        return self._waiting_for

    def run(self) -> None:
        """Ask again and again."""
        while self._waiting_for and not self._over.wait(PAUSE_S):
            answered = self._workers() | self._web()
            self._waiting_for -= answered

    def end(self) -> None:
        """Ask no more."""
        self._over.set()

    def _web(self) -> set[str]:
        try:
            with urllib.request.urlopen(f"{self._url}/healthz", timeout=ANSWER_S) as answer:  # noqa: S310 - our own http URL
                return {WEB} if answer.status == 200 else set()  # noqa: PLR2004 - as HTTP spells it
        except (OSError, urllib.error.HTTPError):
            return set()

    def _workers(self) -> set[str]:
        if self._waiting_for <= {WEB}:
            return set()
        # An application of its own: it knows the broker and no task.
        asking = Celery("readiness", set_as_current=False)
        asking.config_from_object("django.conf:settings", namespace="CELERY")
        try:
            replies = asking.control.ping(timeout=ANSWER_S)
        except (OperationalError, OSError):
            return set()
        finally:
            asking.close()
        return {node.partition("@")[0] for reply in replies for node in reply}
