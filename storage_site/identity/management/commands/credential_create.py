"""Make an application credential."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from storage_site.identity import services
from storage_site.identity.management.rows import named, refusals_told
from storage_site.identity.models import BUILT_IN_ROLES, Project, User


class Command(BaseCommand):
    """Makes an application credential, and prints what logs in with it."""

    help = "Make an application credential; print its id and its secret, which nothing shows again."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("user", help="name or id")
        parser.add_argument("project", help="name or id")
        parser.add_argument("name")
        parser.add_argument("--role", action="append", choices=BUILT_IN_ROLES, help="again for more; default: all held")
        parser.add_argument("--description", default="")
        parser.add_argument("--expires", help="when it ends, as 2027-01-31T12:00:00, in UTC; default: never")
        parser.add_argument("--unrestricted", action="store_true", help="let it make and delete others")

    def handle(self, *, user, project, name, role, description, expires, unrestricted, **_options):
        """Make it."""
        owner, where = named(User, user), named(Project, project)
        with refusals_told():
            credential, secret = services.create_application_credential(
                user=owner,
                project=where,
                name=name,
                roles=role or owner.assignments.filter(project=where).values_list("role__name", flat=True),
                description=description,
                expires_at=_moment(expires) if expires else None,
                is_unrestricted=unrestricted,
            )
        self.stdout.write(f"{credential.id} {secret}")


def _moment(text):
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text} is no time; one looks like 2027-01-31T12:00:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
