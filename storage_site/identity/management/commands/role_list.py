"""List who holds which role where."""

from django.core.management.base import BaseCommand

from storage_site.identity.management.rows import named
from storage_site.identity.models import Assignment, Project, User


class Command(BaseCommand):
    """Lists the role assignments, of one user or in one project where these are named."""

    help = "List who holds which role in which project: user, project, role, one a line."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--user", help="name or id")
        parser.add_argument("--project", help="name or id")

    def handle(self, *, user, project, **_options):
        """Print them."""
        rows = Assignment.objects.select_related("user", "project", "role").order_by("user", "project", "role")
        if user:
            rows = rows.filter(user=named(User, user))
        if project:
            rows = rows.filter(project=named(Project, project))
        for row in rows:
            self.stdout.write(f"{row.user} {row.project} {row.role}")
