"""Make the first users, and the files that log them in."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from storage_site.identity.bootstrap import FIRST, bootstrap, bootstrap_console
from storage_site.identity.management.rows import refusals_told
from storage_site.settings import environment as env

DEFAULT_ENDPOINT = "http://127.0.0.1:8776"


class Command(BaseCommand):
    """Makes admin, demo and service with their projects and files; doing it again changes nothing."""

    help = (
        "Make the users admin, demo and service, and the files that log them in. Passwords are random unless "
        "CELINDER_ADMIN_PASSWORD, CELINDER_DEMO_PASSWORD or CELINDER_SERVICE_PASSWORD give them; none is printed. "
        "With CELINDER_IDENTITY=keystone, make admin only: the first who can log in to the console."
    )

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--directory", type=Path, required=True, help="where the openrc files and clouds.yaml go")
        parser.add_argument(
            "--endpoint",
            default=settings.PUBLIC_ENDPOINT or DEFAULT_ENDPOINT,
            help="where clients reach the service, without a path of its own (default: %(default)s)",
        )

    def handle(self, *, directory, endpoint, **_options):
        """Make them and say where the files are."""
        passwords = {first.user: env.text(f"CELINDER_{first.user.upper()}_PASSWORD") for first in FIRST}
        with refusals_told():
            if settings.IDENTITY == "keystone":
                remarks = bootstrap_console(directory=directory, password=passwords["admin"])
            else:
                remarks = bootstrap(
                    directory=directory,
                    auth_url=f"{endpoint.rstrip('/')}/identity/v3",
                    region=settings.REGION,
                    passwords=passwords,
                )
        self.stdout.write(f"Files to log in with: {directory}")
        for remark in remarks:
            self.stdout.write(remark)
