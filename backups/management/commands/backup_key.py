"""Make or add a master key of backups."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups import keys
from drivers.errors import InvalidConfiguration


class Command(BaseCommand):
    """Makes the file with the master keys, or adds a key to it."""

    help = "Make the file with the master keys of backups, or add a key to it; the keys themselves are not shown."
    requires_system_checks = []  # this is what they ask for

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--new", action="store_true", help="make the file; one that is there is left alone")
        choice.add_argument("--add", action="store_true", help="put a new key before the others, to rotate to it")

    def handle(self, *, new: bool, **_options: Any) -> None:
        """Make or add."""
        try:
            path = keys.key_file()
            if not new:
                keys.add_key(path)
            elif not keys.make_file(path):
                raise CommandError(f"{path} is there already; --add puts a further key into it.")
        except (InvalidConfiguration, OSError) as error:
            raise CommandError(f"No key was made: {error}") from error
        told = "Copy it to every host with a backup worker, and to a safe place: without it no backup can be read."
        self.stdout.write(f"{path} has a new key. {told}")
        if not new:
            targets = " ".join(settings.BACKUP_TARGETS)
            self.stdout.write(f"Then wrap the projects' keys by it: python manage.py backup_rotate {targets}")
