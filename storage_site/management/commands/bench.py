"""Measure Celinder beside its peers."""

import os
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

PROGRAMS = ("backup", "api")


class Command(BaseCommand):
    """Becomes a program of bench/, which loads nothing of Django."""

    help = "Measure Celinder beside its peers, all in one run: bench backup, bench api; each with --help says more."
    requires_system_checks = []

    def run_from_argv(self, argv):
        """Hand everything after the program's name over to it."""
        name, *rest = argv[2:] or [""]
        if name not in PROGRAMS:
            self.print_help(argv[0], argv[1])
            sys.exit(f"Say which: {', '.join(PROGRAMS)}")
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", f"bench.{name}", *rest])  # noqa: S606 - no shell is wanted
