"""The Procfile: which processes make up a fleet, read from the file or written from the settings."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from storage_site import queues
from storage_site.fleet.errors import FleetError

RELEASE = "release"
BACKEND_LINE = queues.of_backend("")
_LINE = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+):\s*(?P<command>\S.*)$")
_SHELL_WORDS = frozenset({"&&", "||", ";", "|", "&"})


@dataclass(frozen=True, slots=True)
class Line:
    """One process of the fleet: its name, and the command that starts it."""

    name: str
    command: str

    @property
    def is_worker(self) -> bool:
        """Tell whether it is a Celery worker, whose node is then called `<name>@<host>`."""
        words = shlex.split(self.command)
        return words[0] == "celery" and "worker" in words

    def __str__(self) -> str:
        return f"{self.name}: {self.command}"


def parse(text: str) -> list[Line]:
    """Return the lines of a Procfile in their order. :raises FleetError: naming the line that is none."""
    lines: dict[str, Line] = {}
    for number, content in enumerate(text.splitlines(), start=1):
        stripped = content.strip()
        if not stripped or stripped.startswith("#"):
            continue
        line = _line(number, stripped)
        if line.name in lines:
            raise FleetError(f"Procfile, line {number}: there is a {line.name} above already")
        lines[line.name] = line
    if not lines:
        raise FleetError("The Procfile names no process")
    return list(lines.values())


def _line(number: int, content: str) -> Line:
    match = _LINE.match(content)
    if match is None:
        raise FleetError(f"Procfile, line {number}: expected 'name: command', found {content!r}")
    try:
        words = list(shlex.shlex(match["command"], posix=True, punctuation_chars=True))
    except ValueError as error:
        raise FleetError(f"Procfile, line {number}: {error}") from error
    if _SHELL_WORDS & set(words):
        raise FleetError(f"Procfile, line {number}: a line is one command; put a script where several are needed")
    return Line(match["name"], match["command"])


def read(path: Path) -> list[Line]:
    """Return the lines of the file. :raises FleetError: if it cannot be read, or a line is none."""
    try:
        return parse(path.read_text())
    except OSError as error:
        raise FleetError(f"The Procfile cannot be read: {error}") from error


def worker(queue: str) -> Line:
    """Return the line of a worker that serves `queue`."""
    return Line(
        queue,
        f"celery --quiet -A storage_site worker -P threads -Q {queue} -n {queue}@%h --without-gossip --without-mingle",
    )


def generate(backends: Iterable[str]) -> str:
    """Return a Procfile with one volume worker for each of the `backends`."""
    lines = [
        Line(RELEASE, "python manage.py migrate --no-input"),
        Line("web", "gunicorn --config python:storage_site.fleet.web storage_site.wsgi"),
        worker(queues.SCHEDULER),
        *(worker(queues.of_backend(backend)) for backend in backends),
        worker(queues.BACKUP),
        Line("beat", "celery --quiet -A storage_site beat --pidfile="),
    ]
    return "".join(f"{line}\n" for line in lines)


def for_backends(lines: list[Line], backends: Iterable[str]) -> list[Line]:
    """Return `lines` with a volume worker for each of the `backends`, and for no other.

    A line that the file has for a back-end stays as it is written there; so two fleets with other back-ends
    can run from one checkout.
    """
    wanted = {queues.of_backend(backend): worker(queues.of_backend(backend)) for backend in backends}
    wanted |= {line.name: line for line in lines if line.name in wanted}
    others = [line for line in lines if not line.name.startswith(BACKEND_LINE)]
    return [*others, *wanted.values()]
