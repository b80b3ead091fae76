"""Let a user hold a role in a project."""

from django.core.management.base import BaseCommand

from storage_site.identity import services
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import BUILT_IN_ROLES, Project, User


class Command(BaseCommand):
    """Grants a role, or takes it back."""

    help = "Let a user hold a role in a project; granting it again changes nothing."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("user", help="name or id")
        parser.add_argument("project", help="name or id")
        parser.add_argument("role", choices=BUILT_IN_ROLES)
        parser.add_argument("--revoke", action="store_true", help="take the role back")

    def handle(self, *, user, project, role, revoke, **_options):
        """Grant or revoke the role."""
        change = services.revoke if revoke else services.grant
        with refusals_told():
            change(user=named(User, user), project=named(Project, project), role=role)
