"""Make a user."""

from django.core.management.base import BaseCommand
from django.db import transaction

from storage_site.identity import services
from storage_site.identity.management.prompt import new_password
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import BUILT_IN_ROLES, Project


class Command(BaseCommand):
    """Makes a user, and lets it into a project if one is named."""

    help = "Make a user. The password is asked for, or read from standard input."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("name")
        parser.add_argument("--project", help="the project to be let into, by name or id")
        parser.add_argument("--role", choices=BUILT_IN_ROLES, default="member", help="the role held there")
        parser.add_argument("--description", default="")
        parser.add_argument("--email", default="")

    def handle(self, *, name, project, role, description, email, **_options):
        """Make the user."""
        where = named(Project, project) if project else None
        with refusals_told(), transaction.atomic():
            user = services.create_user(
                name=name,
                password=new_password(),
                description=description,
                email=email,
                default_project_id=where.id if where else "",
            )
            if where:
                services.grant(user=user, project=where, role=role)
        self.stdout.write(user.id)
