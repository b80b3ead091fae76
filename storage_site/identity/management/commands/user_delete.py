"""Delete a user."""

from django.core.management.base import BaseCommand

from storage_site.identity import services
from storage_site.identity.management.rows import named
from storage_site.identity.models import User


class Command(BaseCommand):
    """Deletes a user with its role assignments and application credentials; its tokens end."""

    help = "Delete a user with its role assignments and application credentials; its tokens end."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("user", help="name or id")

    def handle(self, *, user, **_options):
        """Delete it."""
        services.delete_user(user=named(User, user))
