"""Write down the lifecycles."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from storage_site.operations import diagram


class Command(BaseCommand):
    """Generates docs/lifecycle.md from the tables in the code."""

    help = "Print docs/lifecycle.md as the tables in the code have it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--write", action="store_true", help="write it into the file")
        choice.add_argument("--check", action="store_true", help="fail if the file is another")

    def handle(self, *, write: bool, check: bool, **_options: Any) -> None:
        """Print, write or compare."""
        path = Path(settings.BASE_DIR) / "docs" / "lifecycle.md"
        wanted = diagram.page()
        if write:
            path.write_text(wanted)
        elif not check:
            print(wanted, end="")
        elif not path.exists() or path.read_text() != wanted:
            raise CommandError("docs/lifecycle.md is not what the tables say: ./celinder lifecycle --write")
