"""Run the checks and the tests."""

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from storage_site.fleet.surroundings import neutral

TESTING = {"DJANGO_SETTINGS_MODULE": "storage_site.settings.testing"}
PYTEST = ("python", "-m", "pytest", "-q", "-rs")
TWO_AT_ONCE = ("-n", "2", "--dist", "worksteal")
TWO_FILES_AT_ONCE = ("-n", "2", "--dist", "loadfile")  # the tests of one file share a fleet
REAL_PROCESSES = ("tests/workers", "tests/journeys")
MATRIX = ("python", "-m", "tests.matrix", "--lane", "sqlite-valkey", "--quick", "--sample", "12")
KEYSTONE = "tests/keystone"  # installs a Keystone in the virtual environment's folder "keystone", once
CLIENTS = "tests/clients"  # installs what is tried in environments of their own beside Keystone's, once
TEMPEST = "tests/clients/test_tempest.py"
EVERYTHING, QUICK = "everything", "quick"


@dataclass(frozen=True, slots=True)
class Part:
    """One command of the whole, and the lane it belongs to; `is_loud`: people want to see it work."""

    lane: str
    name: str
    argv: tuple[str, ...]
    is_loud: bool = False


PARTS = (
    Part("static", "ruff format", ("ruff", "format", "--check", "--quiet", ".")),
    Part("static", "ruff check", ("ruff", "check", "--quiet", ".")),
    Part("static", "mypy --strict", ("mypy",)),
    Part("static", "import-linter", ("lint-imports",)),
    Part("static", "migrations", ("python", "manage.py", "makemigrations", "--check", "--dry-run")),
    Part("static", "manage.py check", ("python", "manage.py", "check", "--fail-level", "WARNING")),
    Part(
        "unit",
        "unit and contracts, SQLite",
        (*PYTEST, *TWO_AT_ONCE, *(f"--ignore={folder}" for folder in (*REAL_PROCESSES, KEYSTONE, CLIENTS))),
        is_loud=True,
    ),
    Part(
        "postgresql",
        "both databases, PostgreSQL",
        ("python", "-m", "tests.servers", "postgresql", *PYTEST, *TWO_AT_ONCE, "-m", "both_databases"),
        is_loud=True,
    ),
    Part("journeys", "workers and journeys", (*PYTEST, *TWO_FILES_AT_ONCE, *REAL_PROCESSES), is_loud=True),
    Part("clients", "unmodified clients", (*PYTEST, *TWO_FILES_AT_ONCE, CLIENTS, f"--ignore={TEMPEST}"), is_loud=True),
    Part("tempest", "Tempest's tests of Block Storage", (*PYTEST, "-s", TEMPEST), is_loud=True),
    Part("faults", "a part of the fault matrix", MATRIX, is_loud=True),
    Part("keystone", "identity by a real Keystone", (*PYTEST, KEYSTONE), is_loud=True),
)
QUICK_PARTS = (
    *(part for part in PARTS if part.lane == "static"),
    Part("unit", "unit, SQLite", (*PYTEST, *TWO_AT_ONCE, "-m", "not slow", "tests/unit"), is_loud=True),
)
LANES = tuple(dict.fromkeys(part.lane for part in PARTS))


@dataclass(frozen=True, slots=True)
class Result:
    """How a part went."""

    part: Part
    is_good: bool
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s  {'ok    ' if self.is_good else 'FAILED'}  {self.part.name}"


class Command(BaseCommand):
    """Runs the static checks and the tests, and sums up."""

    help = "Run the checks and the tests; quick: the checks and the fast tests; or one lane."
    requires_system_checks = []

    def add_arguments(self, parser):
        """Declare what may be chosen."""
        parser.add_argument("what", nargs="?", default=EVERYTHING, choices=[EVERYTHING, QUICK, *LANES])

    def handle(self, *, what, **_options):
        """Run the parts; exit with 1 if one failed."""
        parts = QUICK_PARTS if what == QUICK else [part for part in PARTS if what in {EVERYTHING, part.lane}]
        try:
            results = [_run(part) for part in parts]
        except KeyboardInterrupt:
            sys.exit(130)
        print("\nSummary")
        for result in results:
            print(result)
        failed = sum(not result.is_good for result in results)
        total_s = sum(result.seconds for result in results)
        print(f"{total_s:7.1f} s  {len(results) - failed} of {len(results)} parts are good", flush=True)
        sys.exit(int(failed > 0))


def _run(part: Part) -> Result:
    print(f"\n=== {part.name}: {shlex.join(part.argv)}", flush=True)
    began = time.monotonic()
    programs = Path(sys.executable).parent
    environment = neutral() | TESTING
    environment["PATH"] = f"{programs}:{environment.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(
        part.argv,
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=None if part.is_loud else subprocess.PIPE,
        stderr=None if part.is_loud else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode and not part.is_loud:
        print(done.stdout, flush=True)
    return Result(part, done.returncode == 0, time.monotonic() - began)
