"""Show the main job."""

import sys

from django.core.management.base import BaseCommand, CommandError

try:
    from storage_site.fleet import demo
except ModuleNotFoundError as missing:
    demo, MISSING = None, missing.name


class Command(BaseCommand):
    """Runs the demonstration."""

    help = "Start a fleet in a temporary place, use it as a client would, end it, and prove that nothing is left."
    requires_system_checks = []

    def handle(self, **_options):
        """Run it; the exit code says how it went."""
        if demo is None:
            raise CommandError(f"The demonstration needs {MISSING}: start it as ./celinder demo, which installs it")
        sys.exit(demo.run())
