"""Change a project."""

from django.core.management.base import BaseCommand, CommandError

from storage_site.identity import services
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import Project

CHANGES = ("name", "description", "is_enabled")


class Command(BaseCommand):
    """Renames, describes, enables or disables a project."""

    help = "Change a project. Tokens for a disabled project are not valid."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("project", help="name or id")
        parser.add_argument("--name")
        parser.add_argument("--description")
        ability = parser.add_mutually_exclusive_group()
        ability.add_argument("--enable", dest="is_enabled", action="store_true", default=None)
        ability.add_argument("--disable", dest="is_enabled", action="store_false", default=None)

    def handle(self, *, project, **options):
        """Change it."""
        changes = {field: options[field] for field in CHANGES if options[field] is not None}
        if not changes:
            raise CommandError("Nothing to change.")
        with refusals_told():
            services.update_project(project=named(Project, project), **changes)
