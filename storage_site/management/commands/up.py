"""Start a fleet."""

import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from storage_site.fleet.errors import FleetError
from storage_site.fleet.fleet import Fleet


class Command(BaseCommand):
    """Starts all processes of the Procfile on this machine and keeps them running."""

    help = "Start a fleet here: all processes of the Procfile on one data directory. Ctrl-C ends it, or: down."

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument(
            "--detach", action="store_true", help="return when the fleet is ready, and leave it running"
        )
        parser.add_argument("--quiet", action="store_true", help="show no output of the processes: it is in their logs")

    def handle(self, *, detach, quiet, **_options):
        """Start the fleet and stay, or leave it to itself once it is ready."""
        try:
            fleet = Fleet.of_settings()
            if detach:
                fleet.start(outlives_caller=True)
                self._welcome(fleet, "Celinder is running. ./celinder down ends it.")
            else:
                print(f"Celinder is starting in {fleet.directory.root} …", flush=True)
                fleet.run(_only_fleet if quiet else _everybody, lambda: self._welcome(fleet, "Ctrl-C ends it."))
        except FleetError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            sys.exit(130)

    def _welcome(self, fleet: Fleet, last: str) -> None:
        url = fleet.address.url
        rows = [
            ("API", f"{url}/v3"),
            ("identity", f"{url}/identity/v3" if settings.IDENTITY == "embedded" else settings.KEYSTONE["url"]),
            ("console", f"{url}/admin/"),
            ("credentials", ", ".join(map(str, fleet.credentials))),
            ("logs", str(Path(fleet.directory.root, "log"))),
        ]
        for name, value in rows:
            print(f"  {name:<12} {value}")
        print(last, flush=True)


def _everybody(name: str, line: str) -> None:
    print(f"{name:<14} | {line}", flush=True)


def _only_fleet(name: str, line: str) -> None:
    if name == "fleet":
        _everybody(name, line)
