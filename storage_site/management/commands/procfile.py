"""Write the Procfile."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from storage_site.fleet import procfile


class Command(BaseCommand):
    """Generates the Procfile with one volume worker for each back-end of the settings."""

    help = "Print the Procfile that the settings ask for: one volume worker for each back-end."
    requires_system_checks = []

    def add_arguments(self, parser):
        """Declare the options."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--write", action="store_true", help="write it into the file")
        choice.add_argument("--check", action="store_true", help="fail if the file is another")

    def handle(self, *, write, check, **_options):
        """Print, write or compare."""
        path = settings.BASE_DIR / "Procfile"
        wanted = procfile.generate(settings.STORAGE_BACKENDS)
        if write:
            path.write_text(wanted)
        elif not check:
            print(wanted, end="")
        elif not path.exists() or path.read_text() != wanted:
            raise CommandError("The Procfile is not the one that the settings ask for: ./celinder procfile --write")
