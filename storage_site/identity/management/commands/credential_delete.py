"""Delete an application credential."""

from django.core.management.base import BaseCommand, CommandError

from storage_site.identity import services
from storage_site.identity.models import ApplicationCredential


class Command(BaseCommand):
    """Deletes an application credential; the tokens had by it end."""

    help = "Delete an application credential; the tokens had by it end."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("id", help="as credential_list prints it")

    def handle(self, **options):
        """Delete it."""
        credential = ApplicationCredential.objects.filter(pk=options["id"]).first()
        if credential is None:
            raise CommandError(f"There is no application credential {options['id']}.")
        services.delete_application_credential(credential=credential)
