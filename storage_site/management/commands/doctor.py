"""Say what is wrong with the deployment."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from storage_site.watching import diagnosis


class Command(BaseCommand):
    """Prints each thing that is stuck, wrong or odd, its cause, and the command that mends it."""

    help = (
        "Say what is stuck, wrong or odd: each with its cause, and the command that mends it. "
        "The exit code is 0 if nothing is, 1 if something is odd, 2 if something is wrong."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="as a list of JSON objects")
        parser.add_argument("--only", choices=diagnosis.names(), help="this check alone")

    def handle(self, *, json: bool, only: str | None, **_options: Any) -> None:
        """Examine and print."""
        found = diagnosis.examine_only(only) if only else diagnosis.examine()
        self.stdout.write(_as_json(found) if json else _as_text(found))
        if any(finding.weight == diagnosis.WRONG for finding in found):
            raise CommandError(f"{len(found)} to look at.", returncode=2)
        if found:
            raise CommandError(f"{len(found)} to look at.", returncode=1)


def _as_json(found: list[diagnosis.Finding]) -> str:
    return json.dumps([asdict(finding) for finding in found], indent=1)


def _as_text(found: list[diagnosis.Finding]) -> str:
    told = [f"{it.weight.upper():<5} {it.about}\n      {it.cause}\n      $ {it.command}" for it in found]
    return "\n".join(told) or "Nothing is wrong."
