"""Give room back on targets."""

from typing import Any

from backups.management.asking import Asking
from backups.services.repositories import begin_collect


class Command(Asking):
    """Asks for room to be given back."""

    help = "Give room back that no backup needs: what one run condemns the next one deletes."

    def handle(self, *, target: list[str], wait: bool, **_options: Any) -> None:
        """Ask."""
        self.ask(target, begin_collect, wait=wait)
