"""Verify what is on targets."""

from typing import Any

from django.core.management.base import CommandParser

from backups.management.asking import Asking
from backups.services.repositories import begin_verify


class Command(Asking):
    """Asks for everything to be looked at."""

    help = "Look at everything on a target, and read its data, all or a part."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--percent", type=float, default=100, help="of the data to read (default: 100)")

    def handle(self, *, target: list[str], wait: bool, percent: float, **_options: Any) -> None:
        """Ask."""
        self.ask(target, begin_verify, wait=wait, part=percent / 100)
