"""End a fleet."""

from django.core.management.base import BaseCommand, CommandError

from storage_site.fleet.errors import FleetError
from storage_site.fleet.fleet import Fleet


class Command(BaseCommand):
    """Ends the fleet of the data directory, and the exports that it left."""

    help = "End the fleet of this data directory, and its exports; also what a killed one left behind."
    requires_system_checks = []

    def handle(self, **_options):
        """End the fleet."""
        try:
            fleet = Fleet.of_settings()
            was_running = fleet.end()
        except FleetError as error:
            raise CommandError(str(error)) from error
        print(f"{'Ended the' if was_running else 'There was no running'} fleet of {fleet.directory.root}.")
