"""Make a project."""

from django.core.management.base import BaseCommand

from storage_site.identity import services
from storage_site.identity.management.rows import refusals_told


class Command(BaseCommand):
    """Makes a project."""

    help = "Make a project, and print its id."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("name")
        parser.add_argument("--description", default="")

    def handle(self, *, name, description, **_options):
        """Make the project."""
        with refusals_told():
            self.stdout.write(services.create_project(name=name, description=description).id)
