"""Give a user another password."""

from django.core.management.base import BaseCommand

from storage_site.identity import services
from storage_site.identity.management.prompt import new_password
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import User


class Command(BaseCommand):
    """Sets a password, which ends the user's tokens and sessions."""

    help = "Give a user another password: asked for, or read from standard input. The user's tokens end."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("user", help="name or id")

    def handle(self, *, user, **_options):
        """Set the password."""
        row = named(User, user)
        with refusals_told():
            services.set_password(user=row, password=new_password())
