"""Change a user."""

from django.core.management.base import BaseCommand, CommandError

from storage_site.identity import services
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import User

CHANGES = ("name", "email", "description", "is_active")


class Command(BaseCommand):
    """Renames, describes, enables or disables a user."""

    help = "Change a user. Disabling ends the user's tokens and sessions."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("user", help="name or id")
        parser.add_argument("--name")
        parser.add_argument("--email")
        parser.add_argument("--description")
        ability = parser.add_mutually_exclusive_group()
        ability.add_argument("--enable", dest="is_active", action="store_true", default=None)
        ability.add_argument("--disable", dest="is_active", action="store_false", default=None)

    def handle(self, *, user, **options):
        """Change it."""
        changes = {field: options[field] for field in CHANGES if options[field] is not None}
        if not changes:
            raise CommandError("Nothing to change.")
        with refusals_told():
            services.update_user(user=named(User, user), **changes)
