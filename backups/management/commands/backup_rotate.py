"""Wrap the keys of all projects by the first master key."""

from typing import Any

from backups.management.asking import Asking
from backups.services.repositories import begin_rotate


class Command(Asking):
    """Asks for the keys of all projects to be wrapped anew."""

    help = "Wrap the keys of all projects by the first of the master keys; what others wrapped is dropped."

    def handle(self, *, target: list[str], wait: bool, **_options: Any) -> None:
        """Ask."""
        self.ask(target, begin_rotate, wait=wait)
