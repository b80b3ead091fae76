"""Delete a project."""

from django.core.management.base import BaseCommand

from storage_site.identity import services
from storage_site.identity.management.rows import named
from storage_site.identity.models import Project


class Command(BaseCommand):
    """Deletes a project with its role assignments and application credentials."""

    help = "Delete a project with its role assignments and application credentials. What it owns elsewhere stays."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("project", help="name or id")

    def handle(self, *, project, **_options):
        """Delete it."""
        services.delete_project(project=named(Project, project))
