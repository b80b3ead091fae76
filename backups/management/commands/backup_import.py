"""Make rows of the backups in a repository."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups.recovery import recover
from drivers.errors import DriverError
from storage_site.caller import SYSTEM
from storage_site.operations.errors import PermanentFailure


class Command(BaseCommand):
    """Makes rows of the backups in a repository, which needs nothing but the target and the master keys."""

    help = "Make rows of all backups on a target that have none, for instance with a new database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("target")
        parser.add_argument("--project", help="of this project only, by its id")

    def handle(self, *, target: str, project: str | None, **_options: Any) -> None:
        """Make them, and say of each what became of it."""
        made = 0
        try:
            for found in recover(target=target, project_id=project, caller=SYSTEM):
                made += not found.trouble
                self.stdout.write(f"{found.backup_id} of {found.project_id}: {found.trouble or 'made'}")
        except (DriverError, PermanentFailure) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made} made.")
