"""List the projects."""

from django.core.management.base import BaseCommand

from storage_site.identity.models import Project


class Command(BaseCommand):
    """Lists the projects: id, name, whether they are enabled."""

    help = "List the projects, one a line."

    def handle(self, **_options):
        """Print them."""
        for project in Project.objects.all():
            self.stdout.write(f"{project.id} {project.name} {'enabled' if project.is_enabled else 'disabled'}")
