"""Interrupt every kind of work at every place in every way."""

import os
import sys

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Becomes the program that plays the fault matrix, which is part of the tests."""

    help = "Interrupt every kind of work at every place in every way, and see that nothing is lost or left."
    requires_system_checks = []

    def run_from_argv(self, argv):
        """Hand everything after the command's name over."""
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "tests.matrix", *argv[2:]])  # noqa: S606 - no shell is wanted
