"""List application credentials."""

from django.core.management.base import BaseCommand

from storage_site.identity.management.rows import named
from storage_site.identity.models import ApplicationCredential, User


class Command(BaseCommand):
    """Lists the application credentials: id, name, user, project, end, roles."""

    help = "List the application credentials, one a line; no secret is known here."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--user", help="name or id")

    def handle(self, *, user, **_options):
        """Print them."""
        rows = ApplicationCredential.objects.select_related("user", "project").prefetch_related("roles")
        for row in rows.filter(user=named(User, user)) if user else rows:
            ends = row.expires_at.isoformat() if row.expires_at else "never"
            roles = ",".join(role.name for role in row.roles.all())
            self.stdout.write(f"{row.id} {row.name} {row.user} {row.project} {ends} {roles}")
