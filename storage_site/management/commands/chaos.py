"""Kill processes of a fleet, and see what comes of it."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from storage_site.fleet.chaos import report


class Command(BaseCommand):
    """Runs the chaos."""

    help = (
        "Start a fleet in a temporary place, take several volumes through their whole life at once while its processes "
        "are killed, and see that nothing is lost, stuck, wrong or left."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        """Declare the options."""
        parser.add_argument("--seed", type=int, default=1, help="which kills, and which bytes (default: 1)")
        parser.add_argument("--seeds", type=int, default=1, help="so many seeds, one after the other")
        parser.add_argument("--seconds", type=float, default=120, help="for how long to kill at most (default: 120)")
        parser.add_argument("--volumes", type=int, default=3, help="how many stories at once (default: 3)")
        parser.add_argument("--keep", type=Path, help="a folder for the logs and databases of all runs")

    def handle(self, *, seed, seeds, seconds, volumes, keep, **_options):
        """Run it; the exit code says how it went."""
        sys.exit(report.run(range(seed, seed + seeds), seconds=seconds, volumes=volumes, keep=keep))
