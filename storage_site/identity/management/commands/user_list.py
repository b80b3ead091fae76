"""List the users."""

from django.core.management.base import BaseCommand

from storage_site.identity.models import User


class Command(BaseCommand):
    """Lists the users: id, name, whether they may log in, and the roles they hold."""

    help = "List the users with the roles they hold, one a line."

    def handle(self, **_options):
        """Print them."""
        for user in User.objects.prefetch_related("assignments__project", "assignments__role"):
            held = sorted(f"{row.role}@{row.project}" for row in user.assignments.all())
            self.stdout.write(" ".join([user.id, user.name, "enabled" if user.is_active else "disabled", *held]))
